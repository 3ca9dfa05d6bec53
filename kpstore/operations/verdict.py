"""`good` and `bad`: a person says what is known of payloads.

A rollback says it, too, of what it leaves.
"""

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final

from kpstore.errors import InvalidInput, disk_failures
from kpstore.health.suspects import next_boot_of
from kpstore.health.verdicts import Said, bad_verdict, give
from kpstore.history.record import person_name
from kpstore.history.snapshot import Snapshot
from kpstore.model.boot import Boot, boot_of, default_boot
from kpstore.model.state import State
from kpstore.operations.caller import Caller
from kpstore.operations.consequences import next_boots, said_of_next
from kpstore.operations.outcome import Outcome
from kpstore.operations.proposal import Proposal
from kpstore.operations.session import Session
from kpstore.operations.transaction import carry_out
from kpstore.site.opened import OpenSite

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST: Final = 4096
Meant = tuple[str, str | None, str | None]
"""Image, entry (None: its default), revision (None: today's)."""


@dataclass(frozen=True)
class Judge:
    """Which payloads are `good` or `bad`, and why."""

    verdict: str
    defaults: Sequence[Meant]
    message: str


@disk_failures("judging")
def judge(site: OpenSite, caller: Caller, wanted: Judge) -> Outcome:
    """Give a verdict; InvalidInput when an image has no default."""
    session = Session(site, caller)
    with session.writing():
        main = site.main()
        new, named, notes = State(main), set[tuple[str, str]](), list[str]()
        for meant in wanted.defaults:
            boot = _give(site, new, wanted, meant, caller)
            caller.notify(known(boot, wanted.verdict))
            if meant[2] is None:
                named.add((boot.image, boot.entry))
            if wanted.verdict == "bad" and meant[1:] == (None, None):
                notes += _not_meant(site, main, boot)
        notes += spread(State(main), new, named)
        proposal = Proposal(site, main, new.changes, judges=True)
        intent = caller.intent(wanted.verdict, wanted.message)
        outcome = carry_out(proposal, intent, session.manner(publishes=False))
        return replace(outcome, notes=[*notes, *outcome.notes])


def _give(
    site: OpenSite, new: State, wanted: Judge, meant: Meant, caller: Caller
) -> Boot:
    """Give the verdict to one payload; return the boot that was meant."""
    image, entry, rev = meant
    commit = site.resolve(rev) if rev else site.tip()
    then = State(Snapshot(site.repository, commit))
    name = entry or then.image(image).default
    if name is None:
        raise InvalidInput(
            f"image {image} has no default", hint=f"kp {wanted.verdict} {image} ENTRY"
        )
    said = said_by(caller, f"r{site.record(commit).revision}", wanted.message, image)
    boot = boot_of(then, image, name)
    give(new, boot.payload, wanted.verdict, said)
    return boot


def known(boot: Boot, verdict: str) -> str:
    """Say of what a verdict is said: by name, and by content."""
    payload = f"kernel {boot.config.kernel}, payload {boot.payload.id[:12]}"
    return f"{boot.image}/{boot.entry} ({payload}) is known {verdict} now"


def _not_meant(site: OpenSite, main: Snapshot, default: Boot) -> Iterator[str]:
    """Say what some nodes boot in place of a default that is called bad."""
    state = State(main)
    for found in next_boots(site, main, default.image):
        boot = next_boot_of(state, found.image, found.entry)
        if boot and boot.payload.id != default.payload.id:
            yield said_of_next(found, state, state)
            yield f"if that was meant: kp bad {boot.image} {boot.entry} -m WHY"


def said_by(caller: Caller, revision: str, reason: str, image: str) -> Said:
    """Return who says it, now; the reason as one line that a document may hold."""
    line = " ".join(_CONTROL.sub(" ", reason).split())[:_LONGEST]
    return Said(person_name(caller.person), caller.now, revision, line, image)


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
