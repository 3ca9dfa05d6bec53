"""Sizes and shapes that keep the code readable (CONTRIBUTING.md, "Code")."""

from graphlib import CycleError, TopologicalSorter
from statistics import median, quantiles

import pytest

from support.sources import functions, imports, product

LONGEST_FUNCTION = 60
LONGEST_FILE = 300


def sizes() -> dict[str, int]:
    """Return the lines of each function, docstring and all."""
    return {
        f"{module.where}:{function.lineno} {function.name}": (
            (function.end_lineno or 0) - function.lineno + 1
        )
        for module in product()
        for function in functions(module.tree)
    }


def test_no_function_is_long():
    assert {where: n for where, n in sizes().items() if n > LONGEST_FUNCTION} == {}


def test_most_functions_are_short():
    lines = list(sizes().values())
    assert len(lines) > 500  # else something is not counted
    assert median(lines) <= 10
    assert quantiles(lines, n=10)[-1] <= 30


def test_no_file_is_long():
    lines = {m.where: len(m.path.read_text("utf-8").splitlines()) for m in product()}
    assert {where: n for where, n in lines.items() if n > LONGEST_FILE} == {}


def test_no_import_cycle():
    graph = {m.name: {each.module for each in imports(m)} - {m.name} for m in product()}
    try:
        list(TopologicalSorter(graph).static_order())
    except CycleError as error:
        pytest.fail(f"modules import each other: {' -> '.join(error.args[1])}")


# A command imports what the invoked verb needs: tests/cli/test_start.py bounds it.
LAZY = {
    "kpcmd.app",
    "kpstore.picker",
    "kpstore.site.opened",
    "kpstore.targets.tree.render",
}


def test_own_modules_are_imported_at_the_top():
    inner = [
        f"{module.where}:{each.line} imports {each.module}"
        for module in product()
        for each in imports(module)
        if each.in_function and module.name not in LAZY
    ]
    assert inner == []


def test_a_package_says_what_it_is_and_imports_nothing():
    for module in product():
        if module.path.name == "__init__.py":
            assert len(module.tree.body) == 1, module.where  # the docstring
