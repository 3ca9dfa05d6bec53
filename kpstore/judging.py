"""Verdicts said by a person: which payloads they mean."""

from collections.abc import Collection

from kpstore.caller import Caller
from kpstore.errors import InvalidInput
from kpstore.health.verdicts import Said, give
from kpstore.history.record import person_name
from kpstore.history.snapshot import Snapshot
from kpstore.model.boot import boot_of
from kpstore.model.state import Changes, State
from kpstore.site import OpenSite


def said_by(caller: Caller, revision: str, reason: str, image: str) -> Said:
    """Return who says it, now."""
    return Said(person_name(caller.person), caller.now, revision, reason, image)


def judge(
    site: OpenSite,
    main: Snapshot,
    verdict: str,
    wanted: Collection[tuple[str, str | None, str | None]],
    caller: Caller,
    reason: str,
) -> Changes:
    """Return the changes that give the verdict; each wanted is image, entry, rev.

    The entry is the default unless named, the revision today's. InvalidInput when an
    image has no default.
    """
    state = State(main)
    for image, entry, rev in wanted:
        commit = site.resolve(rev) if rev else main.commit
        then = State(Snapshot(site.repository, commit))
        name = entry or then.image(image).default
        if name is None:
            raise InvalidInput(
                f"image {image} has no default", hint=f"kp {verdict} {image} ENTRY"
            )
        revision = f"r{site.record(commit or '').revision}"
        payload = boot_of(then, image, name).payload
        give(state, payload, verdict, said_by(caller, revision, reason, image))
    return state.changes
