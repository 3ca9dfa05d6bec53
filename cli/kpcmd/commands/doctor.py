"""`kp doctor`: what is amiss, and how each thing is mended."""

import shutil
from collections.abc import Iterable, Iterator
from typing import Annotated

import typer

from kpcmd.context import Session
from kpcmd.errors import DRIFT
from kpcmd.frame import alone, session_of, verb
from kpcmd.opening import picker
from kpcmd.tftp_client import Server
from kpstore.errors import KpError, NotFound
from kpstore.queries.doctor.examine import Checkup, Finding

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
        str, typer.Option("--tftp", metavar="HOST[:PORT]", help="The TFTP server.")
    ] = "127.0.0.1:69",
    deep: Annotated[
        bool, typer.Option("--deep", help="Read every artifact and all of history.")
    ] = False,
) -> int:
    """Examine the site, say how to mend what is amiss, and fetch as a node would.

    One menu and one kernel are fetched through the site's real TFTP server. Nothing is
    changed but the hook that guards pushes: it is renewed where it is old or gone.
    """
    session, server = session_of(context), Server.parse(tftp)
    checkup = picker(session).checkup(deep=deep)
    found = [*_tools(), *checkup.examine(), *_fetched(checkup, server)]
    document = [
        {"about": each.about, "level": each.level, "text": each.text, "mend": each.mend}
        for each in found
    ]
    session.out.answer(document, _lines(session, found))
    return DRIFT if any(each.level == "bad" for each in found) else 0


def _lines(session: Session, found: Iterable[Finding]) -> Iterator[str]:
    for each in found:
        yield f"{_MARKS[each.level]}  {each.about}: {each.text}"
        if each.mend and (each.level != "ok" or session.verbose):
            yield f"      {each.mend}"


def _tools() -> Iterator[Finding]:
    for name, purpose in _TOOLS.items():
        path = shutil.which(name)
        if path:
            yield Finding("tools", "ok", f"{name} is {path}")
        else:
            yield Finding("tools", "note", f"no {name}: {purpose}", f"install {name}")


def _fetched(checkup: Checkup, server: Server) -> Iterator[Finding]:
    """Fetch what a node asks for, and hold it against the file that should answer."""
    try:
        asked = checkup.asked()
    except KpError:  # that main can't be read was found before
        return
    try:
        for each in asked:
            wanted = each.file.read_bytes()
            if server.fetch(each.path, len(wanted) + 1) == wanted:
                yield Finding("tftp", "ok", f"{each.what}: {each.path}, as committed")
            else:
                text = f"{each.what}: {each.path} is other bytes than {each.file}"
                mend = "does that server serve another directory, or a copy of it?"
                yield Finding("tftp", "bad", text, mend)
    except NotFound as error:
        yield Finding("tftp", "note", error.message, error.hint)
    except KpError as error:
        mend = (
            "look at modes (0644, 0755 on every folder above), at the server's own "
            "root (in.tftpd -s), and whether it follows links within it"
        )
        yield Finding("tftp", "bad", error.message, mend)
    except OSError as error:
        yield Finding(
            "tftp", "bad", f"{error.filename}: {error.strerror}", "kp publish"
        )
