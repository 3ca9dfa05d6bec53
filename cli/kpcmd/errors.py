"""The only place that maps what went wrong to an exit status and to words."""

import shlex
import traceback
from datetime import UTC, datetime
from io import StringIO
from typing import Final

import typer

from kpcmd.context import Done, Session, Terminated
from kpcmd.registry import VERBS
from kpstore.errors import DiskFailure, KpError

OK: Final = 0
FAILED: Final = 1
USAGE: Final = 2
CONFLICT: Final = 3
DRIFT: Final = 4
UNHEALTHY: Final = 5
LAGGING: Final = 6
CHANGES: Final = 10
LOCKED: Final = 75
INTERRUPTED: Final = 130
TERMINATED: Final = 143

MEANINGS: Final = {
    OK: "done, or nothing to do",
    FAILED: "refused or failed: nothing changed",
    USAGE: "wrong usage",
    CONFLICT: "conflict: main moved under a draft or plan",
    DRIFT: "drift found, or a target is ahead",
    UNHEALTHY: "nodes unhealthy",
    LAGGING: "committed, but a target lags",
    CHANGES: "there are changes (--detailed-exitcode)",
    LOCKED: "locked by another writer for longer than --wait",
    INTERRUPTED: "interrupted: nothing changed",
}

_STATUS: Final = {
    "usage": USAGE,
    "conflict": CONFLICT,
    "drift": DRIFT,
    "locked": LOCKED,
}
_ASKED_WRONGLY: Final = (
    "usage",
    "invalid",
    "not-found",
    "refused",
    "needs-confirmation",
)
_AMISS: Final = ("corrupt", "disk", "failed")
_RANK: Final = (CONFLICT, LAGGING, DRIFT, UNHEALTHY)


class WrongUsage(KpError):  # noqa: N818  # named like its siblings in kpstore
    """Options are missing, contradict each other or mean nothing, on any site."""

    code = "usage"


def worst(*statuses: int) -> int:
    """Return the status that counts where several apply: 3 > 6 > 4 > 5 > 0."""
    return next((each for each in _RANK if each in statuses), OK)


def explain(session: Session, error: BaseException) -> int:
    """Say what went wrong; return the exit status."""
    if session.done is not None:
        return _afterwards(session, session.done, error)
    if isinstance(error, KpError):
        return _fail(session, error.code, error.message, error.hint)
    if isinstance(error, typer.TyperException):
        return _usage(session, error)
    if isinstance(error, KeyboardInterrupt | Terminated | typer.Abort):
        return _interrupted(session, error)
    if isinstance(error, OSError):
        return explain(session, DiskFailure.of(error, "the system refused"))
    return _unexpected(session, error)


def _afterwards(session: Session, done: Done, error: BaseException) -> int:
    """Say what went wrong when all was done; the exit status tells of what was done."""
    expected = isinstance(error, KpError | OSError | KeyboardInterrupt | Terminated)
    said = str(error) or type(error).__name__
    hint = error.hint if isinstance(error, KpError) else ""
    if not expected:
        said, hint = _mistake(session, error)
    session.out.warn(f"{done.what}; after that: {said}")
    if hint:
        session.out.say(f"hint: {hint}")
    return session.finish(done)


def _interrupted(session: Session, error: BaseException) -> int:
    _fail(session, "interrupted", "interrupted: nothing changed", "")
    return TERMINATED if isinstance(error, Terminated) else INTERRUPTED


def _fail(session: Session, code: str, message: str, hint: str) -> int:
    hint = hint or _general_hint(session, code)
    document = {"error": {"code": code, "message": message, "hint": hint}}
    session.out.fail(document, message, hint)
    return _STATUS.get(code, FAILED)


def _general_hint(session: Session, code: str) -> str:
    """Say where to look, where an error says no better what to do."""
    if code not in _ASKED_WRONGLY:
        return "kp doctor examines the site" if code in _AMISS else ""
    verb = next((word for word in session.argv if word in VERBS), "")
    return f"kp {verb} --help has examples" if verb else "kp --help"


def _usage(session: Session, error: typer.TyperException) -> int:
    """Let typer show its usage line; with --json say it there, too."""
    session.as_json = session.as_json or "--json" in session.argv
    if session.as_json:
        _fail(session, "usage", error.format_message(), "")
    else:
        shown = StringIO()
        getattr(error, "show", lambda _: None)(shown)
        session.out.plain(shown.getvalue())
    return USAGE


def _unexpected(session: Session, error: BaseException) -> int:
    """Keep the traceback for whoever mends kp, and spare everybody else."""
    return _fail(session, "internal", *_mistake(session, error))


def _mistake(session: Session, error: BaseException) -> tuple[str, str]:
    """Return message and hint; the traceback is kept."""
    text = "".join(traceback.format_exception(error))
    session.out.detail(text.rstrip())
    kept = _keep(session, text)
    what = traceback.format_exception_only(error)[-1].strip()
    return f"unexpected: {what}", f"this is a mistake in kp; {kept}"


def _keep(session: Session, text: str) -> str:
    """Write the traceback where it can be found; say where."""
    now = datetime.fromtimestamp(session.world.clock(), UTC).isoformat()
    log = session.root / "cache/errors.log"
    try:
        with log.open("a", encoding="utf-8", errors="backslashreplace") as file:
            file.write(f"{now} {shlex.join(('kp', *session.argv))}\n{text}\n")
    except OSError:
        return "again with -v shows where"
    return f"the traceback is in {log}"
