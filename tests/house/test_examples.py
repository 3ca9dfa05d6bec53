"""Every `console` example of the documents is run, on a site that `kp demo` leaves."""

import os
import re
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest

from support.sources import ROOT

# `<!-- before: SCRIPT -->` brings a site into the state that the example is about,
# `<!-- exit: N -->` is the last command's status, `<!-- not run: WHY -->` excuses it.
EXAMPLE = re.compile(
    r"^((?:<!-- (?:before|exit|not run): [^\n]* -->\n)*)```console\n(.*?)^```",
    re.MULTILINE | re.DOTALL,
)
REMARK = re.compile(r"<!-- (before|exit|not run): (.*) -->")
IDS = re.compile(r"\b[0-9a-f]{12,}\b")


class Example(NamedTuple):
    """The commands of one fence, and what its remarks say."""

    commands: list[str]
    remarks: dict[str, str]


def examples(page: Path) -> list[Example]:
    """Return a page's examples."""
    return [
        Example(
            re.findall(r"^\$ (.*)$", text, re.MULTILINE), dict(REMARK.findall(head))
        )
        for head, text in EXAMPLE.findall(page.read_text("utf-8"))
    ]


PAGES = [
    page
    for page in sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
    if examples(page)
]


class Place:
    """A demo's directory; paths that documents use lead into it."""

    def __init__(self, where: Path) -> None:
        self.where = where / "demo"
        tools = Path(sys.executable).parent
        self.environment = {
            "PATH": f"{tools}:{os.environ['PATH']}",
            "HOME": str(where),
            "KP_SITE": str(self.where / "site"),
            "KP_USER": "ann",
        }
        _, self.told = self.run(f"kp demo {self.where}", where)
        (self.where / "backup").mkdir()

    def run(self, script: str, where: Path | None = None) -> tuple[int, str]:
        """Run a script; return its last command's status, and what it printed."""
        for said, meant in (
            ("/var/lib/kp", "site"),
            ("/srv/tftp", "tftp"),
            ("/backup", "backup"),
        ):
            script = script.replace(said, str(self.where / meant))
        done = subprocess.run(
            ["bash", "-euxo", "pipefail", "-c", script],
            cwd=where or self.where,
            env=self.environment,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            check=False,
        )
        return done.returncode, done.stdout


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Place:
    return Place(tmp_path_factory.mktemp("examples"))


def test_the_readme_shows_what_the_demo_prints(place: Place):
    (shown,) = re.findall(
        r"^```text\n(.*?)^```", (ROOT / "README.md").read_text("utf-8"), re.M | re.S
    )
    assert IDS.sub("ID", shown) in IDS.sub("ID", place.told)


def test_there_are_examples():
    assert [page.name for page in PAGES] == ["operations.md"]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_examples_do_what_they_say(page: Path, place: Place):
    for example in examples(page):
        assert example.commands
        if "not run" in example.remarks:
            continue
        if before := example.remarks.get("before"):
            status, said = place.run(before)
            assert status == 0, f"{before}\n{said}"
        status, said = place.run("\n".join(example.commands))
        assert status == int(example.remarks.get("exit", "0")), said
