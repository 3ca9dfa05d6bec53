"""What keeps pushes from harm: the hook, which is renewed where it is old or gone."""

from collections.abc import Iterator
from typing import Final

from kpstore.history.git import hook as guard
from kpstore.history.git.create import RECORDS
from kpstore.history.times import utc
from kpstore.queries.doctor.contract import Advice, Visit
from kpstore.queries.doctor.damaged_main import aside

_PATIENCE: Final = 5.0  # seconds for the lock


def hook(visit: Visit) -> Iterator[Advice]:
    """Renew the hook, and say what it was."""
    path = visit.site.repository.path
    if (path / guard.HOOK).is_dir():
        text = f"{path / guard.HOOK} is a folder: nothing guards pushes"
        yield Advice("hook", "bad", text, aside(visit.site, path / guard.HOOK))
        return
    was = guard.state_of(path)
    if was == "current" and (path / RECORDS).is_dir():
        yield Advice("hook", "ok", "a push can leave a draft of one's own only")
        return
    since, tell = utc(visit.now), visit.site.tell
    with visit.site.locked(visit.user, _PATIENCE, tell, since=since):
        visit.site.renew_hook(visit.now)
    if was == "current":
        text = f"{RECORDS}, who wrote which draft, was gone: it is begun anew"
    else:
        text = f"{guard.HOOK} was {was}: it is kp's again"
    mend = "it did not guard: see what was pushed, git -C state.git for-each-ref"
    yield Advice("hook", "note" if was == "old" else "bad", text, mend)
