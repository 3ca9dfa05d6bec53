"""What entries look like."""

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from typing import Any

from kpcmd.context import Session
from kpcmd.views.outcomes import given_way
from kpstore.model.boot import boot_of
from kpstore.model.documents import BootConfig
from kpstore.model.params.tokens import compose
from kpstore.model.state import State
from kpstore.queries.entry import EntryShown, verdict_of


def usual(
    session: Session, state: State, image: str, given: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what a new entry has that is like no other: as the image's default.

    What that is without goes with its parameters.
    """
    name = state.image(image).default
    if name is None:
        return {}
    entry = state.entry(image, name)
    session.say_once(f"as {name}, where not given: {entry.method}, {_params(entry)}")
    without = () if "params" in given else entry.without
    return {"method": entry.method, "params": entry.params, "without": without}


def _params(entry: BootConfig) -> str:
    return compose(entry.params) or "no parameters"


def line(state: State, image: str, name: str) -> dict[str, Any]:
    """Return an entry's line in the list."""
    entry, boot = state.entry(image, name), boot_of(state, image, name)
    return {
        "entry": name,
        "default": state.image(image).default == name,
        "method": entry.method,
        "kernel": entry.kernel,
        "xen": entry.xen.kernel if entry.xen else None,
        "ssi": entry.ssi,
        "params": compose(entry.params),
        "payload": boot.payload.id,
        "verdict": verdict_of(state, boot),
    }


def shown_json(shown: EntryShown) -> dict[str, Any]:
    """Return the document of `kp entry show`."""
    document = asdict(shown)
    document["params"] = [each._asdict() for each in shown.params]
    document["replaced"] = [each._asdict() for each in shown.replaced]
    return document


def shown_lines(session: Session, shown: EntryShown) -> Iterator[str]:
    """Say what an entry boots."""
    verdict = session.out.paint(shown.verdict)
    yield f"{shown.image}/{shown.entry}  {shown.method}  {verdict}"
    yield f"payload  {shown.payload}"
    if shown.xen:
        yield f"xen      {shown.xen['path']} {shown.xen['cmdline']}".rstrip()
    yield f"kernel   {shown.kernel['path']}  ({shown.kernel['release']})"
    for file in shown.initrd:
        yield f"initrd   {file['path']}"
    yield f"cmdline  {shown.cmdline}"
    if session.verbose:
        yield from (f"  {each.token}  from {each.origin}" for each in shown.params)
    yield from (f"  {given_way(each)}" for each in shown.replaced)
