"""`kp`: finds the verb, imports its module alone, runs it, maps what comes of it."""

import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Annotated, Any

import typer

from kpcmd.context import Session, Terminated, World
from kpcmd.errors import INTERRUPTED, OK, WrongUsage, explain
from kpcmd.frame import VerbGroup, session_of
from kpcmd.registry import VERBS
from kpcmd.terminal import stream


class Unloaded(dict[str, Any]):
    """The verbs' names, of which typer suggests the nearest; no commands yet."""

    def __init__(self) -> None:
        super().__init__(dict.fromkeys(VERBS))


class Verbs(VerbGroup):
    """The verbs by name; a module is imported when its verb is called for."""

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self.commands = Unloaded()

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Import the verb's module and return its command."""
        found = VERBS.get(cmd_name)
        if found is None:
            return None
        module = import_module(f"kpcmd.commands.{found.module}")
        command = typer.main.get_command(module.apps[cmd_name])
        command.name = cmd_name
        return command

    def format_commands(self, ctx: Any, formatter: Any) -> None:
        """List the verbs from the registry."""
        with formatter.section("Commands"):
            formatter.write_dl([(verb.name, verb.summary) for verb in VERBS.values()])

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Complete verbs without importing them."""
        from typer._click.shell_completion import CompletionItem  # noqa: PLC0415

        return [
            CompletionItem(verb.name, help=verb.summary)
            for verb in VERBS.values()
            if verb.name.startswith(incomplete)
        ]


app = typer.Typer(
    name="kp",
    cls=Verbs,
    no_args_is_help=True,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
    help="kp: versioned, atomically published boot configuration, with a way back.",
    epilog="\b\nFirst steps:\n"
    "  kp demo                     the whole story on made-up nodes\n"
    "  kp --site DIR init          a new site\n"
    "  kp VERB --help              examples and exit statuses of a verb",
)


def _show_version(context: typer.Context, wanted: bool) -> None:
    if wanted:
        version = import_module("importlib.metadata").version("kernelpicker")
        session_of(context).out.text(f"kp {version}\n")
        raise typer.Exit


@app.callback()
def _root(
    version: Annotated[
        bool,
        typer.Option(
            "--version", is_eager=True, callback=_show_version, help="Say the version."
        ),
    ] = False,
) -> None:
    pass


def main(argv: Sequence[str] | None = None, world: World | None = None) -> int:
    """Run one kp command; return its exit status."""
    given = list(sys.argv[1:] if argv is None else argv)
    session = Session(world or World.of_process(), given)
    signals = session.world.signals
    signals.watch()
    stream.prepare()
    try:
        return _run(session, given)
    finally:
        session.line.clear()
        stream.drain()
        signals.restore()


def _refuse_bytes(session: Session, argv: list[str]) -> None:
    """WrongUsage for an argument that is no text: nothing that is kept could say it."""
    for word in argv:
        try:
            word.encode()
        except UnicodeEncodeError:
            session.as_json = "--json" in argv
            raise WrongUsage(
                f"the argument {word!r} is not UTF-8",
                hint="a file of such a name: rename it, or give a link to it",
            ) from None


def _run(session: Session, argv: list[str]) -> int:
    command = typer.main.get_command(app)
    try:  # the one place where all errors end
        _refuse_bytes(session, argv)
        status = command.main(argv, prog_name="kp", standalone_mode=False, obj=session)
    except (
        Exception,
        KeyboardInterrupt,
        Terminated,
    ) as error:
        return explain(session, error)
    except SystemExit as end:
        if isinstance(end.__context__, BrokenPipeError):  # `kp --help | true`
            return OK
        raise
    if status == INTERRUPTED:  # typer turns Ctrl-C into this
        return explain(session, KeyboardInterrupt())
    return status if isinstance(status, int) else OK
