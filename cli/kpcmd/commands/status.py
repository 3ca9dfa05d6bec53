"""`kp status`: one listing. Needs no model, lock or loader, so it starts fast."""

from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict
from functools import partial
from importlib import import_module
from typing import Annotated, Any

import typer

from kpcmd.context import Session
from kpcmd.errors import DRIFT, LAGGING, OK, worst
from kpcmd.frame import alone, session_of, verb
from kpstore.model.folding import counted
from kpstore.queries.next_boots import OverrideLine
from kpstore.queries.status import Overview, TargetLine, look
from kpstore.site.reader import SiteReader, utc

app = alone()
apps = {"status": app}

_SHOWN = 5  # differences of one target
_HOME = "\x1b[H\x1b[2J"  # ECMA-48: CUP, ED


@verb(
    app,
    "status",
    "kp status",
    "kp status --json",
    "kp status --watch --interval 2",
    exits=(DRIFT, LAGGING),
)
def status(
    context: typer.Context,
    watch: Annotated[
        bool, typer.Option("--watch", help="Look again and again, until Ctrl-C.")
    ] = False,
    interval: Annotated[
        int,
        typer.Option(
            "--interval", metavar="SECONDS", min=1, help="How long between looks."
        ),
    ] = 5,
) -> int:
    """List images, targets, drafts, drift and what lags."""
    session = session_of(context)
    return _watched(session, interval) if watch else _looked(session)


def _watched(session: Session, interval: int) -> int:
    """Show it anew until a person stops that, on a terminal in the same place."""
    clears = session.world.screen is not None and not session.as_json
    session.no_pager = True
    with suppress(KeyboardInterrupt):
        while True:
            if clears:
                session.out.text(_HOME)
            _looked(session)
            session.world.sleep(interval)
    return OK


def _looked(session: Session) -> int:
    reader = SiteReader(session.root, session.say_once)
    found = look(reader, partial(_really, session))
    session.out.answer(_document(session, found), _lines(session, found))
    amiss = any(line.drift or line.condition == "ahead" for line in found.targets)
    return worst(DRIFT if amiss else 0, LAGGING if _lags(found) else 0)


def _really(session: Session, target: str) -> list[Any]:
    """Compare as `kp verify` does: seldom needed, and takes longer to start."""
    opened = import_module("kpcmd.opening").picker(session)
    return [f for found in opened.verify([target], deep=True) for f in found.findings]


def _served(line: TargetLine) -> str:
    text = line.revision or "-"
    if line.by:
        text += f" by {line.by}"
    if line.condition == "disabled" and line.since:
        text += f" since {line.since}"
    return text


def _lags(found: Overview) -> list[str]:
    behind = ("lagging", "absent")
    return [line.target for line in found.targets if line.condition in behind]


def _document(session: Session, found: Overview) -> dict[str, Any]:
    own = [line for line in found.drafts if line.user == session.world.user]
    read = [asdict(line) for line in own if not line.problem]
    return {
        "site": {"name": found.name, "id": found.id, "root": str(session.root)},
        "revision": f"r{found.tip.number}",
        "commit": found.tip.commit,
        "time": utc(found.tip.time),
        "author": found.tip.author,
        "subject": found.tip.subject,
        "images": [asdict(line) for line in found.images],
        "nodes_without_image": found.without_image,
        "overrides": [asdict(line) for line in found.overrides],
        "locks": [{"nodes": n, "why": why} for why, n in found.locks.items()],
        "targets": [_target(line) for line in found.targets],
        "draft": read[0] if read else None,
        "drafts": [asdict(line) for line in found.drafts],
        "drift": [
            {"target": line.target, **asdict(finding)}
            for line in found.targets
            for finding in line.drift
        ],
        "lagging": _lags(found),
    }


def _target(line: TargetLine) -> dict[str, Any]:
    return {name: value for name, value in asdict(line).items() if name != "drift"}


def _lines(session: Session, found: Overview) -> Iterator[str]:
    tip = found.tip
    yield (
        f"site {found.name} at r{tip.number} {tip.commit[:12]} "
        f"{utc(tip.time)} ({tip.author}) {tip.subject}"
    )
    yield from _images(session, found)
    yield from _targets(session, found)
    yield from _drafts(session, found)
    for line in found.targets:
        for each in line.drift[:_SHOWN]:
            yield f"drift: {line.target}: {each.path} {each.kind}"
        if line.drift:
            yield f"drift: {line.target}: kp verify says all, kp publish repairs"
    left = [line.target for line in found.targets if line.left]
    if lagging := ", ".join(name for name in _lags(found) if name not in left):
        yield f"lagging: {lagging}: the next commit, or kp publish, tries again"


def _drafts(session: Session, found: Overview) -> Iterator[str]:
    for draft in found.drafts:
        whose = "your draft" if draft.user == session.world.user else draft.user
        if draft.problem:
            yield f"draft: {draft.user} has one that is not read: {draft.problem}"
        else:
            edits = f"{counted(draft.edits, 'edit')}"
            yield f"draft: {whose} holds {edits}, not live"


def _images(session: Session, found: Overview) -> Iterator[str]:
    rows = [
        (
            line.image,
            line.arch,
            line.default or "-",
            line.method or "-",
            line.release or "-",
            session.out.paint(line.verdict or "-"),
            str(line.nodes),
        )
        for line in found.images
    ]
    header = ("IMAGE", "ARCH", "DEFAULT", "METHOD", "KERNEL", "VERDICT", "NODES")
    yield from ("", *session.out.columns(header, rows)) if rows else ("no images yet",)
    yield from map(_next, found.overrides)
    for why, nodes in found.locks.items():
        yield f"locked: {nodes} ({why})"
    if found.without_image:
        one = found.without_image == 1
        nodes = counted(found.without_image, "node has", "nodes have")
        disk = "it boots its own disk" if one else "they boot their own disks"
        yield f"{nodes} no image: {disk}"


def _next(line: OverrideLine) -> str:
    nodes = f"{counted(line.count, 'node boots', 'nodes boot')}"
    text = f"{nodes} {line.image}/{line.entry} instead of the default"
    if line.revision:
        text += f", by {' and '.join(line.by)} since {line.revision}, {line.since}"
    return f"{text}: kp next --list"


def _targets(session: Session, found: Overview) -> Iterator[str]:
    rows = [
        (
            line.target,
            line.kind,
            session.out.paint(line.condition),
            _served(line),
            line.path or "no path on this server",
            line.problem,
        )
        for line in found.targets
    ]
    header = ("TARGET", "KIND", "STATE", "SERVES", "PATH", "")
    yield from (
        ("", *session.out.columns(header, rows), "") if rows else ("no targets yet",)
    )
