"""Reading plain words without pydantic.

typer has pydantic read every parameter, those that nobody gave too, and importing it
takes longer than a verb that only looks. Text, paths and counts need none of it.
What is anything else, or wrong, typer reads as ever, and says so in its own words.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from typer._coercion import RuntimeParam, TypeDescriptor, build_runtime_param
from typer._param_types import coerce_cli_path

_TEXTS: Final = (str, list[str])
_PLAIN: Final = (*_TEXTS, bool, int, Path, list[Path])


@dataclass(frozen=True)
class PlainWord(RuntimeParam):
    """Reads one parameter's words; of the types that `typer` would give pydantic."""

    typer: TypeDescriptor

    def _coerce_value(self, value: Any, param: Any, ctx: Any) -> Any:
        if self.annotation in _TEXTS and _are(str, value):
            return list(value) if isinstance(value, tuple) else value
        if self.annotation in (Path, list[Path]) and _are((str, Path), value):
            return self._path(value, param, ctx)
        if self.annotation is int and self._is_count(value):
            return int(value)
        typers = build_runtime_param(self.typer)
        return typers._coerce_value(value, param, ctx)  # as typer does

    def _path(self, value: Any, param: Any, ctx: Any) -> Any:
        if isinstance(value, tuple):
            return [self._path(each, param, ctx) for each in value]
        info = self.parameter_info
        return coerce_cli_path(Path(value), info, path_type=Path, param=param, ctx=ctx)

    def _is_count(self, value: Any) -> bool:
        info = self.parameter_info
        if not (isinstance(value, str) and value.isascii() and value.isdecimal()):
            return isinstance(value, int)
        number = int(value)
        return (info.min is None or number >= info.min) and (
            info.max is None or number <= info.max
        )


def _are(kinds: Any, value: Any) -> bool:
    every = value if isinstance(value, tuple) else (value,)
    return all(isinstance(each, kinds) for each in every)


def read_plainly(params: list[Any]) -> list[Any]:
    """Have those of typer's parameters that are plain read without pydantic."""
    for param in params:
        typers: TypeDescriptor = param.type_descriptor
        plain = typers.annotation in _PLAIN and not typers.is_choice
        if plain and typers.parameter_info.parser is None:
            read = PlainWord(typers.parameter_info, typers.annotation, typers)
            param._runtime_param = read  # else typer makes its own
    return params
