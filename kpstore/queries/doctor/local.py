"""What lies on this server beside the repository: kp.toml, and the lock."""

import os
from collections.abc import Iterator

from kpstore.disk.locks import SiteLock
from kpstore.queries.doctor.contract import Advice, Visit
from kpstore.queries.doctor.damaged_main import aside
from kpstore.site.settings import TABLES


def settings(visit: Visit) -> Iterator[Advice]:
    """Read kp.toml, and see whether its paths are there."""
    file, found = visit.site.root / "kp.toml", visit.site.settings
    there = "read" if file.exists() else "not there: no target has a path here"
    yield Advice("settings", "ok", f"{file} {there}")
    for table in TABLES:
        for name, path in sorted(getattr(found, table).items()):
            if not path.is_dir():
                text = f"{table}.{name}: {path} is no directory"
                yield Advice("settings", "note", text, "mount it, or edit kp.toml")


def paths(visit: Visit) -> Iterator[Advice]:
    """Yield the paths of what is neither in main nor in a draft."""
    main, drafted = visit.site.placed()
    for table in TABLES:
        for name in sorted(getattr(visit.site.settings, table)):
            if (table, name) not in main | drafted:
                what = "target" if table == "roots" else "image"
                text = f"kp.toml: {table}.{name} is of no {what} that there is"
                mend = f"take the line out, or kp {what} add {name}"
                yield Advice("settings", "note", text, mend)


def lock(visit: Visit) -> Iterator[Advice]:
    """See who holds the lock, and which locks of git lie about."""
    file = visit.site.root / "lock"
    found = SiteLock(file, holder="")
    who = found.holder()
    if os.path.lexists(file) and (file.is_symlink() or not file.is_file()):
        text = f"{file} is not a file: whoever writes next can't lock it"
        yield Advice("lock", "bad", text, aside(visit.site, file))
    elif found.is_held():
        yield Advice("lock", "ok", f"held by {who or 'another process'}")
    else:
        left = f"free; left by a command that failed: {who}" if who else "free"
        yield Advice("lock", "ok", left)
    for file in sorted((visit.site.root / "state.git").glob("**/*.lock")):
        mend = "kp takes its own away at the next write; another program's: wait"
        yield Advice("lock", "note", f"{file} is there", f"{mend}, or remove it")
