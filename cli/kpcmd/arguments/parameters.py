"""The options that change a layer's parameters: alike for all that has some."""

from collections.abc import Iterable
from typing import Annotated, Any, ClassVar, Final, cast

import typer

from kpcmd.arguments.committing import (
    CommittingCommand,
    EditingCommand,
    ForcibleCommand,
)
from kpcmd.context import Session
from kpcmd.errors import WrongUsage
from kpcmd.frame import params_of
from kpstore.model.params.tokens import says, split
from kpstore.model.params.wording import Tokens

_KEPT: Final = "parameters"  # in the context: name of an option -> what was given


def _keep(context: typer.Context, option: typer.CallbackParam, value: Any) -> None:
    if value is not None:
        context.meta.setdefault(_KEPT, {})[option.name] = value


def _option(*names: str, metavar: str, text: str) -> Any:
    return typer.Option(
        *names, metavar=metavar, help=text, callback=_keep, expose_value=False
    )


def _each(name: str, text: str) -> Any:
    return _option(name, metavar="P", text=text)


def _options(
    params: Annotated[
        str | None,
        _option(
            "--params",
            "--set-params",
            metavar="LINE",
            text="All its kernel parameters, as one text.",
        ),
    ] = None,
    add_param: Annotated[
        list[str] | None,
        _each("--add-param", "A parameter to add; what it contradicts gives way."),
    ] = None,
    append_param: Annotated[
        list[str] | None,
        _each("--append-param", "One to put after the others of its key."),
    ] = None,
    remove_param: Annotated[
        list[str] | None,
        _each("--remove-param", "A parameter, or its key, to say no more here."),
    ] = None,
    without_param: Annotated[
        list[str] | None,
        _each("--without-param", "One to take away from the layers below."),
    ] = None,
    with_param: Annotated[
        list[str] | None,
        _each("--with-param", "One to take away from them no more."),
    ] = None,
) -> None:
    """Declare what every layer has."""


_PARAMS: Final = params_of(_options)


class LayerCommand(EditingCommand):
    """A verb that edits what has parameters."""

    own: ClassVar[list[Any]] = [*_PARAMS, *EditingCommand.own]


class ForcibleLayerCommand(ForcibleCommand):
    """The same, where a known-bad payload may become default."""

    own: ClassVar[list[Any]] = [*_PARAMS, *ForcibleCommand.own]


class NextCommand(CommittingCommand):
    """`kp next`, which has its own way of editing."""

    own: ClassVar[list[Any]] = _PARAMS


def line_of(context: typer.Context) -> dict[str, Any]:
    """Return the field of a whole line that was given, or nothing."""
    given = context.meta.get(_KEPT, {})
    return {"params": split(given["params"])} if "params" in given else {}


def tokens_of(context: typer.Context) -> Tokens:
    """Return what was given; WrongUsage for what would be done and undone at once."""
    given = {f"{name}s": each for name, each in context.meta.get(_KEPT, {}).items()}
    given.pop("paramss", None)
    tokens = cast("Tokens", given)
    said = [*tokens.get("add_params", ()), *tokens.get("append_params", ())]
    _refuse_both("added and removed", said, tokens.get("remove_params", ()))
    taken, given_back = tokens.get("without_params", ()), tokens.get("with_params", ())
    _refuse_both("taken away and not", taken, given_back)
    return tokens


def _refuse_both(what: str, done: Iterable[str], undone: Iterable[str]) -> None:
    for token in done:
        for each in undone:
            if says(token, each):
                raise WrongUsage(
                    f"{each!r} is to be {what} at once",
                    hint="leave one of the two out",
                )


def say(session: Session, notes: Iterable[str]) -> None:
    """Say what of a change is worth a word, once."""
    for note in notes:
        session.say_once(note)
