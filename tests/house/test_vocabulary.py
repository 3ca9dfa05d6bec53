"""The model's word list and the code agree; nobody else asks for a loader by name."""

import ast
from collections.abc import Iterator
from typing import get_args

import pytest

from kpstore.loaders import registry
from kpstore.loaders.lookup import LOOKUPS
from kpstore.model.vocabulary import (
    LOADERS,
    OF_AN_IMAGE,
    WRITTEN,
    Loader,
)
from kpstore.targets.observers import OBSERVERS
from support.sources import product

ROOMS = ("kpstore.loaders", "kpstore.model.vocabulary")


def test_each_kind_has_its_loaders():
    assert set(LOADERS) == set(WRITTEN) == set(OBSERVERS)
    assert set().union(*LOADERS.values()) == set(get_args(Loader))
    assert set(LOADERS) > OF_AN_IMAGE


def test_the_loaders_that_are_written_are_those_of_the_vocabulary():
    written = {kind: set(loaders) for kind, loaders in WRITTEN.items()}
    assert written == {"tftp": set(registry.NETWORK), "image": set(registry.DISK)}
    assert tuple(LOOKUPS) == WRITTEN["tftp"]
    assert all(written[kind] <= LOADERS[kind] for kind in LOADERS)


def asked_by_name(tree: ast.AST) -> Iterator[int]:
    """Yield the lines where a loader's name is compared, matched or looked up."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            parts = [node.left, *node.comparators]
        elif isinstance(node, ast.Dict):
            parts = [key for key in node.keys if key]
        elif isinstance(node, ast.MatchValue):
            parts = [node.value]
        elif isinstance(node, ast.Subscript):
            parts = [node.slice]
        else:
            continue
        words = {n.value for p in parts for n in ast.walk(p) if hasattr(n, "value")}
        if any(word in get_args(Loader) for word in words):
            yield node.lineno


def test_nobody_asks_for_a_loader_by_name():
    found = [
        f"{module.where}:{line}"
        for module in product()
        if not module.name.startswith(ROOMS)
        for line in asked_by_name(module.tree)
    ]
    assert found == []


@pytest.mark.parametrize(
    "breach",
    [
        "loader == 'ipxe'",
        "loader in ('grub', 'bls')",
        "'pxelinux' not in spec.loaders",
        "{'grub': 1}[loader]",
        "writers['extlinux']",
        "match loader:\n    case 'elilo' | 'bls':\n        pass",
    ],
)
def test_a_breach_is_seen(breach: str):
    assert list(asked_by_name(ast.parse(breach)))


@pytest.mark.parametrize("line", ["name == 'kp'", "say('grub bls')", "f(loader='bls')"])
def test_what_is_none_is_let_be(line: str):
    assert not list(asked_by_name(ast.parse(line)))
