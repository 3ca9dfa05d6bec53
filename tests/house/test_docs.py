"""The documents: links lead somewhere, tables are whole, no machine is in them."""

import ast
import os
import re
import subprocess
import tomllib
from collections.abc import Iterator
from fnmatch import fnmatch
from functools import lru_cache
from pathlib import Path

import pytest

from kpcmd.errors import MEANINGS, TERMINATED
from kpstore.model import documents
from kpstore.model.documents import Document
from support import reference
from support.sources import ROOT, product

PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
DECISIONS = sorted((ROOT / "docs/adr").glob("0*.md"))
LINK = re.compile(r"\]\(([^)\s]+)\)")
FENCE = re.compile(r"^```.*?^```", re.MULTILINE | re.DOTALL)
ROW = re.compile(r"^\| ([RK]\d+) \|.*\| ([^|]*) \|$", re.MULTILINE)
TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")
HOSTS = ["pythonhosted", "pypi.org", "/simple/", "deb.debian", "registry.npmjs"]
PATHS = ["/work/", "/root/", "/opt/pypi", "/opt/wheels", "/home/"]


def name(page: Path) -> str:
    """Return a page's path below the project."""
    return str(page.relative_to(ROOT))


def anchors(page: Path) -> set[str]:
    """Return the anchors of a page's headings, as forges make them."""
    text = FENCE.sub("", page.read_text("utf-8"))
    heads = re.findall(r"^#+ (.+)$", text, re.MULTILINE)
    return {re.sub(r"[^\w -]", "", head.lower()).replace(" ", "-") for head in heads}


@pytest.mark.parametrize("page", PAGES, ids=name)
def test_links_lead_somewhere(page: Path):
    broken = []
    for link in LINK.findall(FENCE.sub("", page.read_text("utf-8"))):
        path, _, anchor = link.partition("#")
        if "://" in link:
            continue
        target = (page.parent / path).resolve() if path else page
        if not target.exists() or (anchor and anchor not in anchors(target)):
            broken.append(link)
    assert broken == []


def test_every_page_can_be_reached():
    reached: set[Path] = set()
    new = {ROOT / "README.md"}
    while new:
        page = new.pop()
        reached.add(page)
        links = (
            each.partition("#")[0] for each in LINK.findall(page.read_text("utf-8"))
        )
        found = {(page.parent / each).resolve() for each in links if "://" not in each}
        new |= {each for each in found & set(PAGES) if each not in reached}
    assert set(PAGES) - reached == set()


def test_every_field_of_a_document_is_in_the_format():
    text = (ROOT / "docs/format.md").read_text("utf-8")
    missing = [
        f"{kind.__name__}.{alias}"
        for kind in vars(documents).values()
        if isinstance(kind, type) and issubclass(kind, Document)
        for field, info in kind.model_fields.items()
        if f"`{(alias := info.alias or field)}`" not in text
    ]
    assert missing == []


@pytest.mark.parametrize("page", DECISIONS, ids=name)
def test_a_decision_says_what_why_and_what_else(page: Path):
    text = page.read_text("utf-8")
    words = ("Context.", "Decision.", "Not taken.", "Follows.")
    assert [w for w in words if f"**{w}**" not in text] == []
    assert text.startswith(f"# {page.name[:4]}: ")
    assert len(text.splitlines()) <= 40


def test_decisions_are_numbered_without_a_gap():
    numbers = [int(page.name[:4]) for page in DECISIONS]
    assert numbers == list(range(1, len(numbers) + 1))


def test_every_verb_is_documented_and_no_other():
    text = (ROOT / "docs/commands.md").read_text("utf-8")
    said = set()
    for cell in re.findall(r"^\| (`kp .*?`) \|", text, re.MULTILINE):
        nouns = re.findall(r"`kp (\w+(?: \w+)?)`", cell)
        verbs = re.findall(r"`(\w+)`", cell)
        said |= {f"{nouns[0]} {verb}" for verb in verbs} if verbs else set(nouns)
    assert said == {" ".join(words) for words in reference.verbs()}


def test_the_reference_is_what_the_command_says():
    page = (ROOT / "docs/reference.md").read_text("utf-8")
    assert page == reference.reference(), "make reference"


def test_exit_statuses_are_those_of_the_command():
    text = (ROOT / "docs/commands.md").read_text("utf-8")
    rows = re.findall(r"^\| ([\d, ]+) \|", text, re.MULTILINE)
    said = {int(number) for row in rows for number in row.split(",")}
    assert said == {*MEANINGS, TERMINATED}


def test_the_picture_of_layers_is_the_contract():
    text = (ROOT / "docs/architecture.md").read_text("utf-8")
    (picture,) = re.findall(r"^```\nkpcmd\n(.*?)^```", text, re.MULTILINE | re.DOTALL)
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contract = settings["tool"]["importlinter"]["contracts"][0]["layers"]
    assert [line.strip() for line in picture.splitlines()] == contract


def test_every_part_of_the_library_is_in_the_table():
    text = (ROOT / "docs/architecture.md").read_text("utf-8")
    said = set(re.findall(r"`(?:kpstore/)?(\w+)(?:\.py|/)`", text))
    names = (module.name for module in product())
    parts = {name.split(".")[1] for name in names if name.startswith("kpstore.")}
    assert parts - said == set()


def test_pages_that_the_source_names_exist():
    named = {
        (module.where, page)
        for module in product()
        for page in re.findall(
            r"(?<!git-lfs )(?<![\w/.-])[\w/.-]+\.md(?!\.\w)",
            module.path.read_text("utf-8"),
        )
    }
    assert named
    missing = [each for each in named if not (ROOT / each[1]).is_file()]
    assert missing == []


# --- requirements


@lru_cache
def functions(path: str) -> frozenset[str]:
    """Return the names of the functions in a file of tests."""
    tree = ast.parse((ROOT / path).read_text("utf-8"))
    return frozenset(n.name for n in ast.walk(tree) if isinstance(n, ast.FunctionDef))


@pytest.fixture(scope="module")
def requirements() -> list[tuple[str, str]]:
    """Return number and proof of each row."""
    return ROW.findall((ROOT / "docs/requirements.md").read_text("utf-8"))


def test_every_requirement_has_its_row(requirements: list[tuple[str, str]]):
    numbers = [number for number, _ in requirements]
    assert numbers == [f"R{n:02}" for n in range(1, 64)] + [
        f"K{n}" for n in range(1, 7)
    ]


def test_a_requirement_names_tests_that_exist_or_is_open(
    requirements: list[tuple[str, str]],
):
    wrong = []
    for number, proof in requirements:
        tests = TEST.findall(proof)
        if not proof.startswith(("`tests/", "part: ", "open")):
            wrong.append(f"{number}: {proof}")
        for path, function in tests:
            if not (ROOT / path).is_file():
                wrong.append(f"{number}: no {path}")
            elif function and function not in functions(path):
                wrong.append(f"{number}: no {function} in {path}")
    assert wrong == []


def test_every_proof_exists():
    page = (ROOT / "docs/proofs.md").read_text("utf-8")
    rows = [line for line in page.splitlines() if line.startswith("| ")]
    assert [row for row in rows if "| said |" not in row and not TEST.search(row)] == []
    named = TEST.findall(page)
    assert len(named) > 100
    wrong = [each for each in named if not (ROOT / each[0]).is_file()]
    assert wrong == []
    assert [f"{path}::{f}" for path, f in named if f and f not in functions(path)] == []


# --- what must not be in the repository


def listed() -> Iterator[str]:
    """Name the files that git knows; without a repository all that it would know."""
    if (ROOT / ".git").exists():
        command = ["git", "ls-files", "-z"]
        said = subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
        yield from said.stdout.decode().rstrip("\0").split("\0")
        return
    ignored = [line.strip("/") for line in (ROOT / ".gitignore").read_text().split()]
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [
            name for name in folders if not any(fnmatch(name, each) for each in ignored)
        ]
        yield from (os.path.relpath(os.path.join(folder, name), ROOT) for name in files)


@pytest.fixture(scope="module")
def tracked() -> dict[str, str]:
    """Return the text files of this repository."""
    found = {}
    ours = str(Path(__file__).relative_to(ROOT))  # holds what it looks for
    for path in set(listed()) - {ours}:
        data = (ROOT / path).read_bytes() if (ROOT / path).is_file() else b""
        if b"\0" not in data:
            found[path] = data.decode("utf-8", "replace")
    return found


@pytest.mark.parametrize("word", [*HOSTS, *PATHS])
def test_no_host_of_packages_and_no_path_of_a_machine(
    tracked: dict[str, str], word: str
):
    whole = re.compile(rf"(?<![\w.{{}}-]){re.escape(word)}")
    assert [path for path, text in tracked.items() if whole.search(text)] == []


def test_no_stub_is_left(tracked: dict[str, str]):
    words = ["TODO", "FIXME", "XXX", "raise NotImplementedError"]
    assert [
        f"{path}: {word}"
        for path, text in tracked.items()
        for word in words
        if re.search(rf"\b{word}\b", text) and not path.endswith(".lock")
    ] == []
