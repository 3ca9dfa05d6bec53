"""The rooms of the house: few files each, named by a word that docs/glossary.md has."""

import ast
import re
from collections import defaultdict
from pathlib import Path

from support.sources import ROOT, product

AT_THE_ROOT = {"__init__", "picker", "errors"}
MOST = 20  # files of a room, beside its __init__
LIST_OF_VERBS = "cli/kpcmd/commands"  # as many as there are
# Classes of one name that stand for two things: may shrink only.
NAMESAKES = {
    "Target",  # the document; one opened on this server
}


def rooms() -> dict[str, list[str]]:
    """Return the files of each folder of the product, but __init__."""
    found = defaultdict(list)
    for module in product():
        if module.path.stem != "__init__":
            found[str(module.path.parent.relative_to(ROOT))].append(module.path.stem)
    return found


def words() -> set[str]:
    """Return the rows of the glossary."""
    page = (ROOT / "docs/glossary.md").read_text("utf-8")
    rows = re.findall(r"^\| (\*\*[^|]+\*\*) \|", page, re.MULTILINE)
    return {word for row in rows for word in re.findall(r"\*\*(.+?)\*\*", row)}


def test_few_modules_stand_at_the_root():
    assert {path.stem for path in (ROOT / "kpstore").glob("*.py")} == AT_THE_ROOT


def test_every_room_is_in_the_glossary():
    folders = {Path(room).name for room in rooms()} - {"kpstore", "kpcmd"}
    assert folders - words() == set()


def test_no_room_is_crowded():
    sizes = {room: len(files) for room, files in rooms().items()}
    crowded = {room: size for room, size in sizes.items() if size > MOST}
    assert crowded.pop(LIST_OF_VERBS)  # else something is not counted
    assert crowded == {}


def test_a_class_has_its_name_alone():
    found = defaultdict(set)
    for module in product():
        for node in module.tree.body:
            if isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
                found[node.name].add(module.name)
    of_kpstore = {
        name
        for name, modules in found.items()
        if sum(module.startswith("kpstore.") for module in modules) > 1
    }
    assert of_kpstore == NAMESAKES
