"""Nobody asks for a kind of target outside its folder: not its name, not its classes.

Who needs to know something of a kind asks the contract (`kpstore.targets.contract`) or
the word list (`kpstore.model.vocabulary`).
"""

import ast
from collections.abc import Iterator
from typing import Final, get_args

import pytest

from kpstore.model import keys
from kpstore.model.vocabulary import LOADERS, OF_AN_IMAGE, OPTIONS, WRITTEN
from kpstore.targets.observers import OBSERVERS
from kpstore.targets.registry import KINDS
from support.sources import product

FOLDERS: Final = {
    type(kind).__module__.rpartition(".")[0]: name for name, kind in KINDS.items()
}
WORDS: Final = ("kpstore.model.vocabulary",)
TESTS: Final = ("isinstance", "issubclass")
# `image` is a word for documents, too; of these it is asked.
KEYS: Final = frozenset(get_args(keys.Kind))
OF_DOCUMENTS: Final = ("key.kind", "place[0]")


def test_the_registries_and_the_word_list_agree():
    assert set(KINDS) == set(OBSERVERS)
    assert set(KINDS) == set(LOADERS) == set(WRITTEN) == set(OPTIONS)
    assert set(KINDS) > OF_AN_IMAGE
    for name, kind in KINDS.items():
        assert (kind.name, OBSERVERS[name].name) == (name, name)


def names_asked(tree: ast.AST, kinds: set[str]) -> Iterator[int]:
    """Yield the lines where a kind's name is compared, matched or looked up."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
            if any(ast.unparse(part) in OF_DOCUMENTS for part in parts):
                continue
        elif isinstance(node, ast.MatchValue):
            parts = [node.value]
        elif isinstance(node, ast.Subscript):
            parts = [node.slice]
        elif isinstance(node, ast.Dict):
            parts = [key for key in node.keys if key]
        else:
            continue
        sure = kinds if isinstance(node, ast.Compare) else kinds - KEYS
        if sure & {word for part in parts for word in strings(part)}:
            yield getattr(node, "lineno", getattr(parts[0], "lineno", 0))


def strings(part: ast.expr) -> Iterator[object]:
    """Yield what an expression is, or holds where it is a list of constants."""
    for each in getattr(part, "elts", [part]):
        if isinstance(each, ast.Constant):
            yield each.value


def classes_asked(tree: ast.AST, folder: str) -> Iterator[int]:
    """Yield the lines where something is held against a class of a kind's folder."""
    known = {
        alias.asname or alias.name
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith(folder)
        for alias in node.names
    }
    for node in ast.walk(tree):
        asked: list[ast.expr] = []
        if isinstance(node, ast.Call) and ast.unparse(node.func) in TESTS:
            asked = node.args[1:]
        elif isinstance(node, ast.Compare) and "type(" in ast.unparse(node):
            asked = [node]
        elif isinstance(node, ast.MatchClass):
            asked = [node.cls]
        names = (n for part in asked for n in ast.walk(part) if isinstance(n, ast.Name))
        if known & {name.id for name in names}:
            yield getattr(node, "lineno", 0)


def test_nobody_asks_for_a_kind_by_name():
    found = [
        f"{module.where}:{line}"
        for module in product()
        if module.name not in WORDS
        for line in names_asked(module.tree, set(KINDS) - own(module.name))
    ]
    assert found == []


def own(module: str) -> set[str]:
    """Return the name of the kind whose folder a module is in, if it is in one."""
    return {name for folder, name in FOLDERS.items() if module.startswith(folder)}


def test_nobody_asks_for_a_kind_by_its_classes():
    found = [
        f"{module.where}:{line}"
        for module in product()
        for folder in FOLDERS
        if not module.name.startswith(folder)
        for line in classes_asked(module.tree, folder)
    ]
    assert found == []


@pytest.mark.parametrize(
    "breach",
    [
        "spec.kind == 'tftp'",
        "kind in ('tftp', 'image')",
        "'image' != target.kind",
        "PATHS['tftp']",
        "{'tftp': roots}.get(spec.kind)",
        "match spec.kind:\n    case 'tftp':\n        pass",
    ],
)
def test_a_name_that_is_asked_for_is_seen(breach: str):
    assert list(names_asked(ast.parse(breach), set(KINDS)))


@pytest.mark.parametrize(
    "line", ["key.kind == 'image'", "fields['image']", "say('tftp')", "f(kind='tftp')"]
)
def test_what_is_none_is_let_be(line: str):
    assert not list(names_asked(ast.parse(line), set(KINDS)))


@pytest.mark.parametrize(
    "breach",
    [
        "isinstance(publisher, TftpTarget)",
        "isinstance(made, (str, target.TftpTarget))",
        "issubclass(type(made), TftpTarget | None)",
        "type(made) is TftpTarget",
        "match made:\n    case TftpTarget():\n        pass",
    ],
)
def test_a_class_that_is_asked_for_is_seen(breach: str):
    folder, name = next(iter(FOLDERS.items()))
    assert name == "tftp"
    imports = f"from {folder}.target import TftpTarget\nfrom {folder} import target\n"
    assert list(classes_asked(ast.parse(imports + breach), folder))
    assert not list(classes_asked(ast.parse(breach), folder))  # a namesake
