"""`kp gc`: what nothing retained needs goes."""

import typer

from kpcmd.errors import LOCKED
from kpcmd.frame import alone, session_of, verb
from kpcmd.options import DryRun
from kpcmd.picking import picker

app = alone()
apps = {"gc": app}


@verb(app, "gc", "kp gc --dry-run", "kp gc", exits=(LOCKED,))
def gc(context: typer.Context, dry_run: DryRun = False) -> int:
    """Remove artifacts and generations that nothing retained needs.

    Kept are main's, the drafts', those of known-good states, and all that is younger
    than the grace time.
    """
    session = session_of(context)
    opened = picker(session)
    with opened.writing():
        gone = opened.upkeep.gc(dry_run=dry_run)
    did = "would be removed" if dry_run else "removed"
    lines = [*gone, f"{len(gone)} artifacts {did}"] if session.verbose else []
    document = {"removed": [] if dry_run else gone, "would_remove": gone}
    session.out.answer(document, lines or [f"{len(gone)} artifacts {did}"])
    return 0
