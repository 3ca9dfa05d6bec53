"""How verbs that commit are framed, and the options that all of them have.

A target may stay behind, or come along; what locked nodes boot may change. What edits
is committed at once with -m, shown by -n, and else goes into the draft.
"""

from collections.abc import Callable
from typing import Annotated, Any, ClassVar, Final

import typer

from kpcmd.arguments import completion, options
from kpcmd.editing import Way
from kpcmd.errors import CONFLICT, LAGGING, LOCKED
from kpcmd.frame import VerbCommand, params_of, remember, verb

_KEPT: Final = "way"  # in the context: name of an option -> what was given


def _targets(*names: str, **more: Any) -> Any:
    return typer.Option(
        *names,
        metavar="TARGET",
        callback=remember,
        expose_value=False,
        autocompletion=completion.targets,
        **more,
    )


def _apart(
    without: Annotated[
        list[str] | None,
        _targets("--without", help="Leave a target behind, until it is brought."),
    ] = None,
    along: Annotated[
        list[str] | None,
        _targets("--with", help="Bring a target along that was left behind."),
    ] = None,
    unlock: Annotated[
        bool,
        typer.Option(
            "--unlock",
            help="Change what locked nodes boot, too; a rollback does.",
            callback=remember,
            expose_value=False,
        ),
    ] = False,
) -> None:
    """Declare the options."""


def _keep(context: typer.Context, option: typer.CallbackParam, value: Any) -> None:
    context.meta.setdefault(_KEPT, {})[option.name] = value


def _keep_reason(
    context: typer.Context, option: typer.CallbackParam, value: Any
) -> None:
    _keep(context, option, options.reason(context, value))


_KEEP: Final[dict[str, Any]] = {"callback": _keep, "expose_value": False}


def _editing(
    message: Annotated[str | None, options.message(**_KEEP)] = None,
    dry_run: Annotated[bool, options.dry_run(**_KEEP)] = False,
    yes: Annotated[bool, options.yes(**_KEEP)] = False,
) -> None:
    """Declare what every edit has."""


def _forced(
    force: Annotated[
        str, options.force(callback=_keep_reason, expose_value=False)
    ] = "",
) -> None:
    """Declare what an edit has that may make a payload default."""


_PARAMS = params_of(_apart)


class CommittingCommand(VerbCommand):
    """A verb that makes a commit; `own` are options that come before --without."""

    own: ClassVar[list[Any]] = []

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        at = len(self.params) - len(self.shared)
        self.params = [*self.params[:at], *self.own, *_PARAMS, *self.shared]


class EditingCommand(CommittingCommand):
    """A verb that edits; see `way_of`."""

    own = params_of(_editing)


class ForcibleCommand(EditingCommand):
    """A verb that edits what is default, and may be told to go on by --force."""

    own: ClassVar[list[Any]] = [*params_of(_forced), *EditingCommand.own]


def way_of(context: typer.Context, op: str) -> Way:
    """Return how an edit goes; `op` goes into the record."""
    return Way(op, **context.meta[_KEPT])


def committing(
    app: typer.Typer,
    name: str,
    *examples: str,
    exits: tuple[int, ...] = (),
    cls: type[CommittingCommand] = CommittingCommand,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a verb that commits; see `frame.verb`."""
    return verb(app, name, *examples, exits=(*exits, LAGGING), cls=cls)


def editing(
    app: typer.Typer,
    name: str,
    *examples: str,
    exits: tuple[int, ...] = (CONFLICT, LOCKED),
    cls: type[EditingCommand] = EditingCommand,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a verb that edits; see `frame.verb`."""
    return committing(app, name, *examples, exits=exits, cls=cls)
