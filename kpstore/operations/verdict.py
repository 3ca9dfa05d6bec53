"""Verdicts said by a person: which payloads they mean."""

import re
from collections.abc import Collection, Iterator
from typing import Final, NamedTuple

from kpstore.errors import InvalidInput
from kpstore.health.candidates import default_boot
from kpstore.health.verdicts import Said, bad_verdict, give
from kpstore.history.record import person_name
from kpstore.history.snapshot import Snapshot
from kpstore.model.boot import boot_of
from kpstore.model.state import Changes, State
from kpstore.operations.caller import Caller
from kpstore.site.opened import OpenSite

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST: Final = 4096


def said_by(caller: Caller, revision: str, reason: str, image: str) -> Said:
    """Return who says it, now; the reason as one line that a document may hold."""
    line = " ".join(_CONTROL.sub(" ", reason).split())[:_LONGEST]
    return Said(person_name(caller.person), caller.now, revision, line, image)


class Judged(NamedTuple):
    """The changes that give a verdict, and what else they say."""

    changes: Changes
    notes: list[str]


def judge(
    site: OpenSite,
    main: Snapshot,
    verdict: str,
    wanted: Collection[tuple[str, str | None, str | None]],
    caller: Caller,
    reason: str,
) -> Judged:
    """Give the verdict; each wanted is image, entry, revision.

    The entry is the default unless named, the revision today's. InvalidInput when an
    image has no default.
    """
    state, named = State(main), set[tuple[str, str]]()
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
        if rev is None:
            named.add((image, name))
    return Judged(state.changes, list(spread(State(main), state, named)))


def spread(old: State, new: State, named: Collection[tuple[str, str]]) -> Iterator[str]:
    """Say of which images' defaults a verdict is, too, beside the `named` entries.

    Payloads are known by content: images and entries share them, and bad is kin, too.
    """
    for image in new.names("image"):
        boot = default_boot(new, image)
        if boot is None or (image, boot.entry) in named:
            continue
        own = new.verdict(boot.payload.id)
        its = f"image {image}: its default {boot.entry} is known"
        if own is not None and own != old.verdict(boot.payload.id):
            yield f"{its} {own.verdict} now, too: it is the same payload"
        elif bad_verdict(new, boot.payload) and not bad_verdict(old, boot.payload):
            yield f"{its} bad now, too: it is that kernel with another initrd"
