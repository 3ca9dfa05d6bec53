"""`kp gc`: what nothing retained needs goes."""

import typer

from kpcmd.arguments.options import DryRun
from kpcmd.context import Done
from kpcmd.errors import DRIFT, LOCKED, OK
from kpcmd.frame import alone, session_of, verb
from kpcmd.opening import picker
from kpstore.model.folding import counted

app = alone()
apps = {"gc": app}


@verb(app, "gc", "kp gc --dry-run", "kp gc", exits=(DRIFT, LOCKED))
def gc(context: typer.Context, dry_run: DryRun = False) -> int:
    """Remove artifacts and generations that nothing retained needs.

    Kept are main's, the drafts', those of known-good states, what any target has, and
    all that is younger than the grace time. Nothing is published, and a dry run
    writes nothing.
    """
    session = session_of(context)
    opened = picker(session)
    gone, refused = opened.gc(dry_run=dry_run)
    for why in refused:
        session.out.warn(why)
    did = "would be removed" if dry_run else "removed"
    summed = f"{counted(len(gone), 'artifact')} {did}"
    lines = [*gone, summed] if session.verbose else [summed]
    document = {"removed": [] if dry_run else gone, "would_remove": gone}
    status = DRIFT if refused else OK
    if dry_run:
        session.out.answer(document, lines)
        return status
    return session.finish(Done("it is swept", status, document, lines))
