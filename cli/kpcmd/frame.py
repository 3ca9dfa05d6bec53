"""How every verb is framed: global options before and after it, examples, statuses."""

from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Annotated, Any, ClassVar

import typer
from typer.core import TyperCommand, TyperGroup

from kpcmd.context import Session
from kpcmd.errors import MEANINGS
from kpcmd.words import read_plainly


def session_of(context: typer.Context) -> Session:
    """Return the run that a command belongs to."""
    session = context.find_root().obj
    assert isinstance(session, Session)
    return session


def remember(context: typer.Context, option: typer.CallbackParam, value: Any) -> Any:
    """Note a global option that was given; the later one counts."""
    source = context.get_parameter_source(option.name or "")
    if source is not None and source.name == "COMMANDLINE":
        setattr(session_of(context), option.name or "", value)
    return value


def _global(*names: str, **more: Any) -> Any:
    return typer.Option(
        *names,
        callback=remember,
        expose_value=False,
        rich_help_panel="Global options",
        **more,
    )


def _options(
    site: Annotated[
        Path | None, _global("--site", metavar="DIR", help="The site [KP_SITE].")
    ] = None,
    as_json: Annotated[
        bool, _global("--json", help="One JSON document on stdout.")
    ] = False,
    quiet: Annotated[bool, _global("-q", "--quiet", help="No narration.")] = False,
    verbose: Annotated[bool, _global("-v", "--verbose", help="Tell more.")] = False,
    no_color: Annotated[
        bool, _global("--no-color", help="No colours [NO_COLOR].")
    ] = False,
    no_pager: Annotated[
        bool, _global("--no-pager", help="All at once [KP_PAGER, PAGER].")
    ] = False,
) -> None:
    """Declare the global options."""


def params_of(options: Callable[..., None]) -> list[Any]:
    """Return the options that a function declares, for a set that many verbs take."""
    declared = typer.Typer(add_completion=False)
    declared.command()(options)
    return typer.main.get_command(declared).params


# The same objects serve the root and the verb, so that typer resolves each once.
GLOBAL = params_of(_options)


class VerbCommand(TyperCommand):
    """A verb that also takes the global options."""

    shared: ClassVar[list[Any]] = GLOBAL

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.params = [*self.params, *self.shared]

    def get_params(self, ctx: Any) -> list[Any]:
        """Return all that it takes, `--help` too."""
        return read_plainly(super().get_params(ctx))


class VerbGroup(TyperGroup):
    """A noun with verbs that also takes the global options.

    `rest` names the other verbs' modules, whose `app` has them: imported when it must.
    """

    rest: ClassVar[dict[str, str]] = {}

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.params = [*self.params, *GLOBAL]
        unloaded: dict[str, Any] = dict.fromkeys(self.rest)
        self.commands = unloaded | dict(self.commands)

    def get_params(self, ctx: Any) -> list[Any]:
        """Return all that it takes, `--help` too."""
        return read_plainly(super().get_params(ctx))

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return a verb, imported if it is one of the rest."""
        found = self.commands.get(cmd_name)
        if found is None and cmd_name in self.rest:
            app = import_module(self.rest[cmd_name]).app
            self.commands.update(typer.main.get_group(app).commands)
        return self.commands.get(cmd_name)


def noun(summary: str, *, rest: dict[str, str] | None = None) -> typer.Typer:
    """Return an app for the verbs of one noun: `kp image add`, `kp image list`…."""
    app = typer.Typer(
        cls=type("Noun", (VerbGroup,), {"rest": rest or {}}),
        help=summary,
        no_args_is_help=True,
        rich_markup_mode=None,
        pretty_exceptions_enable=False,
        add_completion=False,
    )
    app.callback()(lambda: None)
    return app


def verb(
    app: typer.Typer,
    name: str,
    *examples: str,
    exits: tuple[int, ...] = (),
    cls: type[VerbCommand] = VerbCommand,
) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Declare a verb with its examples and the exit statuses beside 0, 1 and 2."""
    lines = ["\b", "Examples:", *(f"  {example}" for example in examples)]
    lines += ["", "\b", "Exit status:"]
    lines += [f"  {code:<3} {MEANINGS[code]}" for code in sorted({0, 1, 2, *exits})]
    return app.command(name, cls=cls, epilog="\n".join(lines))


def alone() -> typer.Typer:
    """Return an app for a verb that is no noun's: `kp status`."""
    return typer.Typer(
        rich_markup_mode=None, pretty_exceptions_enable=False, add_completion=False
    )
