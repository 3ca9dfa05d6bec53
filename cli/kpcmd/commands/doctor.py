"""`kp doctor`: what is amiss, and how each thing is mended."""

import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Annotated

import typer

from kpcmd.context import Session
from kpcmd.errors import DRIFT
from kpcmd.frame import alone, session_of, verb
from kpcmd.opening import picker
from kpcmd.tftp_client import Server
from kpstore.errors import KpError, NotFound
from kpstore.picker import KernelPicker
from kpstore.queries.doctor.contract import Advice

app = alone()
apps = {"doctor": app}

_TOOLS = {
    "git": "history can be read, cloned and backed up with it",
    "git-lfs": "clones get the artifacts with it",
}
_MARKS = {"ok": "ok  ", "note": "note", "bad": "BAD "}


@verb(
    app,
    "doctor",
    "kp doctor",
    "kp doctor --deep --tftp boot1.example:69",
    exits=(DRIFT,),
)
def doctor(
    context: typer.Context,
    tftp: Annotated[
        str,
        typer.Option(
            "--tftp", metavar="HOST[:PORT]", help="Where targets name no server."
        ),
    ] = "127.0.0.1:69",
    deep: Annotated[
        bool, typer.Option("--deep", help="Read every artifact and all of history.")
    ] = False,
) -> int:
    """Examine the site, say how to mend what is amiss, and fetch as a node would.

    Of each target one menu and one kernel are fetched, and the loaders' own files where
    they are there: through its own TFTP server (`kp target set TARGET --server`), which
    has to be that target's, or else through --tftp. Nothing is changed but the hook
    that guards pushes, which is renewed where it is old or gone, and the modes that a
    site's group needs (`kp init --shared`), where they were lost.
    """
    session, server = session_of(context), Server.parse(tftp)
    opened = picker(session)
    found = [*_tools(), *opened.examine(deep=deep), *_fetched(opened, server)]
    document = [
        {"about": each.about, "level": each.level, "text": each.text, "mend": each.mend}
        for each in found
    ]
    session.out.answer(document, _lines(session, found))
    return DRIFT if any(each.level == "bad" for each in found) else 0


def _lines(session: Session, found: Iterable[Advice]) -> Iterator[str]:
    for each in found:
        yield f"{_MARKS[each.level]}  {each.about}: {each.text}"
        if each.mend and (each.level != "ok" or session.verbose):
            yield f"      {each.mend}"


def _tools() -> Iterator[Advice]:
    for name, purpose in _TOOLS.items():
        path = shutil.which(name)
        if path:
            yield Advice("tools", "ok", f"{name} is {path}")
        else:
            yield Advice("tools", "note", f"no {name}: {purpose}", f"install {name}")


def _fetched(opened: KernelPicker, default: Server) -> Iterator[Advice]:
    """Fetch what a node asks for, and hold it against the file that should answer."""
    try:
        asked = opened.requests()
    except KpError:  # that main can't be read was found before
        return
    dead: set[Server] = set()  # nobody waits for one again and again
    for each in asked:
        server = Server.parse(each.server) if each.server else default
        if server in dead:
            continue
        try:
            yield _compared(*each[:3], server)
        except NotFound as error:
            dead.add(server)
            yield Advice("tftp", "note", error.message, error.hint)
        except KpError as error:
            mend = (
                "look at modes (0644, 0755 on every folder above), at the server's own "
                "root (in.tftpd -s), and whether it follows links within it"
            )
            yield Advice("tftp", "bad", error.message, mend)
        except OSError as error:
            text = f"{error.filename}: {error.strerror}"
            yield Advice("tftp", "bad", text, "kp publish")


def _compared(what: str, path: str, file: Path, server: Server) -> Advice:
    wanted = file.read_bytes()
    if server.fetch(path, len(wanted) + 1) == wanted:
        return Advice("tftp", "ok", f"{what}: {path}, as committed")
    text = f"{what}: {path} is other bytes than {file}"
    mend = "does that server serve another directory, or a copy of it?"
    return Advice("tftp", "bad", text, mend)
