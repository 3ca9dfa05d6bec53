"""How a damaged main is mended by hand: what a person types, with git alone."""

import re
from collections.abc import Iterator
from shlex import quote
from typing import Final

from kpstore.errors import CorruptState, KpError
from kpstore.history import trees, walk
from kpstore.history.revisions import Query, Revision
from kpstore.site.reader import MAIN, SiteReader

_OBJECT: Final = re.compile(r"\bobject ([0-9a-f]{2})([0-9a-f]{38})\b")
_TRIED: Final = 100  # revisions that are read to find a whole one


def how_to_mend(site: SiteReader, error: KpError) -> str:
    """Return the commands that mend what `error` says of main or its history."""
    git = f"git -C {quote(str(site.root / 'state.git'))}"
    ways = []
    if found := _OBJECT.search(error.message):
        file = site.root / "state.git/objects" / found[1] / found[2]
        fetch = f"rm -f {quote(str(file))} && {git} fetch --refetch CLONE main"
        ways.append(f"with a clone of it: {fetch}")
    whole = _newest_whole(site)
    if whole is not None and not _stands_at(site, whole.commit):
        clear = _clear(site)
        back = f"{clear}{git} update-ref {MAIN} {whole.commit} && kp publish"
        ways.append(f"back to r{whole.number}, the newest that is whole: {back}")
    return "; or ".join(ways) or "bring state.git back from a backup, or a clone"


def _clear(site: SiteReader) -> str:
    """Return what makes way for git, which doesn't write over a broken ref."""
    try:
        site.repository.tip(MAIN)
    except CorruptState:
        return f"rm -f {quote(str(site.root / 'state.git' / MAIN))} && "
    return ""


def _stands_at(site: SiteReader, commit: str) -> bool:
    try:
        return site.repository.tip(MAIN) == commit
    except CorruptState:
        return False


def _newest_whole(site: SiteReader) -> Revision | None:
    """Return the newest revision that can be read with all its files."""
    for line in _revisions(site):
        try:
            tree = site.repository.commit(line.commit).tree
            for _, _, new in trees.compare(site.repository, None, tree):
                if new:
                    site.repository.blob(new.id)
        except KpError:
            continue
        return line
    return None


def _revisions(site: SiteReader) -> Iterator[Revision]:
    """Yield what the index knows of, newest first; without it what main leads to."""
    if site.index is not None:
        yield from site.index.revisions(Query(limit=_TRIED))
        return
    try:
        for commit in walk.chain(site.repository, site.repository.tip(MAIN)):
            try:
                yield walk.revision(commit)
            except CorruptState:
                continue  # not kp's
    except CorruptState:
        return
