"""share/: the man page and the completions are those of this kp, and work in bash."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from support.cli import Cluster, copy, template
from support.manual import SHARE, shared

BASH = SHARE / "bash-completion/completions/kp"


@pytest.mark.parametrize("where", shared(), ids=str)
def test_it_is_as_the_command_says(where: Path) -> None:
    """`make reference` writes it anew."""
    assert (SHARE / where).read_text("utf-8") == shared()[where]


def test_nothing_else_lies_there() -> None:
    found = {path.relative_to(SHARE) for path in SHARE.rglob("*") if path.is_file()}
    assert found == set(shared())


def test_no_line_of_the_man_page_is_taken_for_a_request() -> None:
    text = shared()[Path("man/man1/kp.1")]
    requests = {line.split()[0] for line in text.splitlines() if line[:1] in (".", "'")}
    assert requests == {".TH", ".SH", ".SS", ".B", ".BR", ".TP", ".nf", ".fi"}


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    where = tmp_path_factory.mktemp("completion") / "cluster"
    return copy(template(tmp_path_factory.getbasetemp()), where)


COMPLETED = {
    "kp roll": ["rollback"],
    "kp image sh": ["show"],
    "kp image show ": ["db", "edge", "web"],
    "kp default web pro": ["production"],
    "kp kernel show web 6.1": ["6.1.0-28"],
    "kp node show n0": [f"n{number:02}" for number in range(1, 10)],
    "kp show r": ["r1", "r2", "r3"],
    "kp rollback web --to r1": ["r1"],
    "kp --site SITE image show w": ["web"],
    "kp image show nosuch": [],
}


@pytest.mark.skipif(not shutil.which("bash"), reason="there is no bash")
@pytest.mark.parametrize("line", COMPLETED)
def test_bash_completes(made: Cluster, tmp_path: Path, line: str) -> None:
    """In a real bash, as it calls the function at a TAB."""
    kp = tmp_path / "kp"
    kp.write_text(f'#!/bin/sh\nexec {sys.executable} -m kpcmd "$@"\n')
    kp.chmod(0o755)
    words = line.replace("SITE", str(made.site)).split(" ")
    site = {} if "--site" in words else {"KP_SITE": str(made.site)}
    script = (
        f'. {BASH}; COMP_WORDS=("$@"); COMP_CWORD={len(words) - 1}; '
        '_kp_completion kp; [ "${#COMPREPLY[@]}" = 0 ] || '
        """printf '%s\\n' "${COMPREPLY[@]}\""""
    )
    kept = {name: text for name, text in os.environ.items() if name != "KP_SITE"}
    done = subprocess.run(
        ["bash", "--norc", "-c", script, "bash", *words],
        env={**kept, "PATH": f"{tmp_path}:{os.environ['PATH']}", **site},
        capture_output=True,
        text=True,
        check=False,
    )
    assert (sorted(done.stdout.split()), done.stderr) == (COMPLETED[line], "")
