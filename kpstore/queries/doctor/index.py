"""The derived index: whether it can be read, and says what main says."""

from collections.abc import Iterator

from kpstore.history import walk
from kpstore.history.index.audit import differing
from kpstore.history.index.connection import IndexFailed
from kpstore.history.index.database import Index
from kpstore.model.state import State
from kpstore.queries.doctor.contract import Advice, Visit
from kpstore.queries.doctor.damaged_main import aside


def index(visit: Visit) -> Iterator[Advice]:
    """Read the index, and see whether it stands at main; deep, whether it is right."""
    file, tip = visit.site.index_file, visit.site.tip()
    mend = "kp publish"  # any writer, but this one checks all of it
    try:
        index = Index.open(file)
        if index is not None:
            index.check()
        stands = index is not None and index.head() == tip
        wrong = _wrong(visit, index) if index and stands and visit.deep else ""
    except IndexFailed as error:
        yield Advice("index", "bad", f"{file} is damaged: {error.message}", mend)
        return
    if index is None:
        text = f"{file} is missing or damaged: kp is slower without it"
        yield Advice("index", "note", text, mend)
    elif not stands:
        yield Advice("index", "note", f"{file} does not stand at main", mend)
    elif wrong:
        text = f"{file} says of {wrong} otherwise than main"
        yield Advice("index", "bad", text, f"{aside(visit.site, file)} && kp publish")
    else:
        right = ", and says what main says" if visit.deep else ""
        yield Advice("index", "ok", f"stands at main, and can be read{right}")


def _wrong(visit: Visit, index: Index) -> str:
    """Name what differs first; '' where nothing does."""
    for commit in walk.chain(visit.site.repository, visit.site.tip()):
        line = walk.revision(commit)
        if index.revision(line.number) != line:
            return f"r{line.number}"
    return differing(index, State(visit.site.main()))
