"""The repository: what git needs of it, main, and its history."""

from collections.abc import Iterator
from shlex import quote

from kpstore.history import walk
from kpstore.history.git import fittings, packs, trees
from kpstore.model.folding import counted
from kpstore.queries.doctor.contract import Advice, Level, Visit
from kpstore.queries.doctor.damaged_main import fitted, pack_made_anew


def repository(visit: Visit) -> Iterator[Advice]:
    """See whether git finds what it needs beside main's objects."""
    found = list(fittings.amiss(visit.site.repository.path))
    for each in found:
        level: Level = "bad" if each.vital else "note"
        text = f"{each.path} {each.problem}"
        yield Advice("repository", level, text, fitted(visit.site, each))
    if not found:
        yield Advice("repository", "ok", "HEAD, config and folders are as made")


def main(visit: Visit) -> Iterator[Advice]:
    """See where main stands."""
    tip = visit.site.tip()
    record = visit.site.record(tip)
    yield Advice("main", "ok", f"at r{record.revision} {tip[:12]}")


def history(visit: Visit) -> Iterator[Advice]:
    """Read the commits of main; their files, too, where that is wanted."""
    yield from _empty_objects(visit)
    yield from _packs(visit)
    repository = visit.site.repository
    count = 0
    for commit in walk.chain(repository, visit.site.tip()):
        parent = commit.parents[0] if visit.deep and commit.parents else None
        if visit.deep or count == 0:
            old = repository.commit(parent).tree if parent else None
            for _, _, new in trees.compare(repository, old, commit.tree):
                if new:
                    repository.blob(new.id)
        count += 1
    depth = "every file of them" if visit.deep else "the newest with every file"
    yield Advice("history", "ok", f"{counted(count, 'commit')} can be read, {depth}")


def _packs(visit: Visit) -> Iterator[Advice]:
    for each in packs.unsound(visit.site.repository.path / "objects/pack"):
        if each.has_all:
            yield Advice(
                "history", "bad", each.problem, pack_made_anew(visit.site, each)
            )


def _empty_objects(visit: Visit) -> Iterator[Advice]:
    for file in (visit.site.root / "state.git/objects").glob("[0-9a-f][0-9a-f]/*"):
        if file.is_file() and file.stat().st_size == 0:
            text = f"{file} is empty: a crash of the machine left it"
            mend = f"rm -f {quote(str(file))}  # then kp doctor: is it missed?"
            yield Advice("history", "bad", text, mend)
