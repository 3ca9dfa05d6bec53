"""How verbs that commit are framed: a target may stay behind, or come along."""

from collections.abc import Callable
from typing import Annotated, Any

import typer

from kpcmd.arguments import completion
from kpcmd.errors import LAGGING
from kpcmd.frame import VerbCommand, remember, verb


def _targets(*names: str, **more: Any) -> Any:
    return typer.Option(
        *names,
        metavar="TARGET",
        callback=remember,
        expose_value=False,
        autocompletion=completion.targets,
        **more,
    )


def _options(
    without: Annotated[
        list[str] | None,
        _targets("--without", help="Leave a target behind, until it is brought."),
    ] = None,
    along: Annotated[
        list[str] | None,
        _targets("--with", help="Bring a target along that was left behind."),
    ] = None,
) -> None:
    """Declare the options."""


_declared = typer.Typer(add_completion=False)
_declared.command()(_options)
_PARAMS = typer.main.get_command(_declared).params


class CommittingCommand(VerbCommand):
    """A verb that makes a commit."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        at = len(self.params) - len(self.shared)
        self.params = [*self.params[:at], *_PARAMS, *self.shared]


def committing(
    app: typer.Typer,
    name: str,
    *examples: str,
    exits: tuple[int, ...] = (),
    cls: type[CommittingCommand] = CommittingCommand,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a verb that commits; see `frame.verb`."""
    return verb(app, name, *examples, exits=(*exits, LAGGING), cls=cls)
