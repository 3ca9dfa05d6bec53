"""The project's own source as syntax trees: what the house tests look at."""

import ast
from collections.abc import Iterator
from functools import lru_cache
from pathlib import Path
from typing import Final, NamedTuple

ROOT: Final = Path(__file__).parents[2]
OWN: Final = ("kpstore", "kpcmd")


class Module(NamedTuple):
    """One module of the product; `name` as it is imported."""

    name: str
    path: Path
    tree: ast.Module

    @property
    def where(self) -> str:
        """Return its path below the project."""
        return str(self.path.relative_to(ROOT))


class Import(NamedTuple):
    """One name that a module imports, and the line where it does."""

    module: str
    line: int
    in_function: bool


@lru_cache(maxsize=1)
def product() -> tuple[Module, ...]:
    """Return every module of kpstore and kpcmd."""
    return tuple(
        Module(_name(path), path, ast.parse(path.read_text("utf-8")))
        for package in (ROOT / "kpstore", ROOT / "cli/kpcmd")
        for path in sorted(package.rglob("*.py"))
    )


def functions(tree: ast.AST) -> Iterator[ast.FunctionDef | ast.AsyncFunctionDef]:
    """Yield every function and method, nested ones too."""
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            yield node


def imports(module: Module) -> Iterator[Import]:
    """Yield what a module imports of the product's own modules."""
    known = {each.name for each in product()}
    inner = {id(n) for function in functions(module.tree) for n in ast.walk(function)}
    for node in ast.walk(module.tree):
        for name in _imported(node):
            parent = name.rpartition(".")[0]
            own = name if name in known else parent if parent in known else ""
            if own:
                yield Import(own, getattr(node, "lineno", 0), id(node) in inner)


def _imported(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom) and node.module:
        yield from (f"{node.module}.{alias.name}" for alias in node.names)


def _name(path: Path) -> str:
    base = ROOT if path.is_relative_to(ROOT / "kpstore") else ROOT / "cli"
    parts = path.relative_to(base).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)
