"""Verdicts said by a person: who says so, and what else is that payload."""

import re
from collections.abc import Collection, Iterator
from typing import Final

from kpstore.health.verdicts import Said, bad_verdict
from kpstore.history.record import person_name
from kpstore.model.boot import default_boot
from kpstore.model.state import State
from kpstore.operations.caller import Caller

_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f]")
_LONGEST: Final = 4096


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
