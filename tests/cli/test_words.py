"""Plain words are read without pydantic, and exactly as typer would read them."""

import itertools
from pathlib import Path
from typing import Annotated, Any

import pytest
import typer

from kpcmd.words import read_plainly

WORDS = [
    "",
    " ",
    "x",
    "-",
    "7",
    "007",
    "0",
    "-1",
    "+1",
    "1_0",
    "1.0",
    "१",
    "99",
    "ä/..",
]


def declared(
    text: str = "",
    texts: Annotated[list[str] | None, typer.Option()] = None,
    count: int = 1,
    ranged: Annotated[int, typer.Option(min=1, max=50)] = 1,
    clamped: Annotated[int, typer.Option(min=1, max=50, clamp=True)] = 1,
    path: Annotated[Path | None, typer.Option()] = None,
    there: Annotated[Path | None, typer.Option(exists=True)] = None,
    paths: Annotated[list[Path] | None, typer.Option()] = None,
    *,
    flag: bool = False,
) -> None:
    pass


def params(*, plain: bool) -> tuple[Any, list[Any]]:
    app = typer.Typer(add_completion=False)
    app.command()(declared)
    command = typer.main.get_command(app)
    found = list(command.params)
    return command, read_plainly(found) if plain else found


def read(command: Any, param: Any, value: Any) -> Any:
    context = typer.Context(command)
    try:
        found = param.process_value(context, value)
    except typer.BadParameter as error:
        return error.format_message()
    return type(found), found


NAMES = [each.name for each in params(plain=False)[1]]


@pytest.mark.parametrize("number", range(len(NAMES)), ids=NAMES)
def test_it_reads_what_typer_reads_and_refuses_what_typer_refuses(number: int):
    (ours, plain), (theirs, typers) = params(plain=True), params(plain=False)
    values: list[Any] = [None, *WORDS]
    if plain[number].multiple:
        values = [None, *itertools.permutations(WORDS, 2)]
    for value in values:
        expected = read(theirs, typers[number], value)
        assert read(ours, plain[number], value) == expected, value
