"""How a damaged main is mended by hand: what a person types.

Each command is typed in a test, for the damage that it is printed for.
"""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from shlex import quote
from typing import Final

from kpstore.errors import CorruptState, KpError
from kpstore.history import walk
from kpstore.history.git import refs, trees
from kpstore.history.git.fittings import Fitting
from kpstore.history.git.packs import Unsound, unsound
from kpstore.history.paths import MAIN
from kpstore.history.revisions import Query, Revision
from kpstore.site.reader import SiteReader

_OBJECT: Final = re.compile(r"\bobject ([0-9a-f]{2})([0-9a-f]{38})\b")
_TRIED: Final = 100  # revisions that are read to find a whole one
_FROM_A_COPY: Final = "bring state.git back from a backup, or a clone"


def how_to_mend(site: SiteReader, error: KpError) -> str:
    """Return the commands that mend what `error` says of main or its history."""
    repository = site.repository.path
    broken = list(unsound(repository / "objects/pack"))
    if broken and all(each.has_all for each in broken):
        return " && ".join(pack_made_anew(site, each) for each in broken)
    git = f"git -C {quote(str(repository))}"
    ways = []
    if broken or (_OBJECT.search(error.message) and not _is_made_up(site)):
        clear = [aside(site, each.file) for each in broken]
        clear += [_clear_object(site, match) for match in _objects(error)]
        fetch = " && ".join([*clear, f"{git} fetch --refetch CLONE main"])
        ways.append(f"with a clone of it: {fetch}")
    clear_refs = _clear_refs(site)
    saved = _main_without_what_is_broken(site)
    if clear_refs and _can_be_read(site, saved):
        number = site.record(saved or "").revision
        keep = " && ".join([*clear_refs, "kp publish"])
        return f"back to r{number}, the newest that is whole: {keep}"
    whole = _newest_whole(site)
    if whole is not None and not _stands_at(site, whole.commit):
        move = f"{git} update-ref {MAIN} {whole.commit}"
        back = " && ".join([*clear_refs, move, "kp publish"])
        ways.append(f"back to r{whole.number}, the newest that is whole: {back}")
    return "; or ".join(ways) or _FROM_A_COPY


def pack_made_anew(site: SiteReader, pack: Unsound) -> str:
    """Return the command that makes a pack's index anew; it takes git."""
    index = pack.file.with_suffix(".idx")
    clear = f"{aside(site, index)} && " if _lies_there(index) else ""
    return f"{clear}git index-pack {quote(str(pack.file))}"


def fitted(site: SiteReader, fitting: Fitting) -> str:
    """Return the command that puts in its place what git needs."""
    path = quote(str(fitting.path))
    if not fitting.text:
        return f"mkdir -p {path}"
    text = fitting.text.replace("\n", "\\n").replace("\t", "\\t")
    if not fitting.whole:
        return f"printf {quote(text)} >> {path}"
    clear = f"{aside(site, fitting.path)} && " if _lies_there(fitting.path) else ""
    return f"{clear}printf {quote(text)} > {path}"


def artifact_back(site: SiteReader, sha256: str) -> str:
    """Return the command that takes an artifact from a backup of state.git."""
    place = f"lfs/objects/{sha256[:2]}/{sha256[2:4]}/{sha256}"
    file = site.repository.path / place
    clear = f"{aside(site, file)} && " if file.is_dir() else ""
    make = f"mkdir -p {quote(str(file.parent))}"
    copy = f"cp -p --remove-destination BACKUP/{place} {quote(str(file))}"
    return f"with a backup of state.git: {clear}{make} && {copy}"


def aside(site: SiteReader, path: Path) -> str:
    """Return the command that keeps what lies somewhere, out of the way."""
    found = quote(str(site.root / "found"))
    return f"mkdir -p {found} && mv --backup=numbered -t {found} {quote(str(path))}"


def _lies_there(path: Path) -> bool:
    return path.exists() or path.is_symlink()


def _objects(error: KpError) -> Iterator[re.Match[str]]:
    if found := _OBJECT.search(error.message):
        yield found


def _clear_object(site: SiteReader, match: re.Match[str]) -> str:
    file = site.repository.path / "objects" / match[1] / match[2]
    return aside(site, file) if file.is_dir() else f"rm -f {quote(str(file))}"


def _clear_refs(site: SiteReader) -> list[str]:
    """Return what makes way for git, which doesn't write over a broken ref."""
    repository = site.repository.path
    packed, main = repository / "packed-refs", repository / MAIN
    found = []
    try:
        refs.read_packed(repository)
    except CorruptState:
        found.append(aside(site, packed))
        if lines := refs.salvaged(repository):
            text = "".join(f"{oid} {ref}\\n" for ref, oid in sorted(lines.items()))
            found.append(f"printf {quote(text)} > {quote(str(packed))}")
    try:
        if oid := refs.read_loose(repository, MAIN):
            site.repository.commit(oid)
    except CorruptState:
        if main.is_dir() and not main.is_symlink():
            found.append(aside(site, main))
        elif _lies_there(main):
            found.append(f"rm -f {quote(str(main))}")
    return found


def _main_without_what_is_broken(site: SiteReader) -> str | None:
    repository = site.repository.path
    with suppress(CorruptState):
        if found := refs.read_loose(repository, MAIN):
            return found
    return refs.salvaged(repository).get(MAIN)


def _is_made_up(site: SiteReader) -> bool:
    """Tell a main that names a commit of which neither git nor the index knows."""
    main = _main_without_what_is_broken(site)
    if main is None or _can_be_read(site, main):
        return False
    return site.from_index(None, lambda index: index.of_commit(main)) == []


def _can_be_read(site: SiteReader, commit: str | None) -> bool:
    try:
        return commit is not None and bool(site.record(commit))
    except KpError:
        return False


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
    known = site.from_index(None, lambda index: index.revisions(Query(limit=_TRIED)))
    if known is not None:
        yield from known
        return
    try:
        for commit in walk.chain(site.repository, site.repository.tip(MAIN)):
            try:
                yield walk.revision(commit)
            except CorruptState:
                continue  # not kp's
    except CorruptState:
        return
