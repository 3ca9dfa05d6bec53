"""What plans and outcomes look like: as JSON documents, and as lines for people."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from kpcmd import errors
from kpcmd.context import Done, Session
from kpstore.model.cautions import Loss
from kpstore.model.folding import counted
from kpstore.model.params.layers import Replaced
from kpstore.model.params.tokens import compose
from kpstore.operations.outcome import Outcome, Plan

_LOSSES: Final = 20  # parameters that gave way and are named; more are counted
_NAMED: Final = 4  # edits that are named; more are counted
_PLURALS: Final = {"entry": "entries"}


def outcome_json(outcome: Outcome) -> dict[str, Any]:
    """Return the document of a commit; revision null when nothing was to do."""
    return {
        "revision": outcome.revision or None,
        "commit": outcome.commit or None,
        "targets": [
            {
                "name": target.name,
                "condition": target.condition,
                "live": target.live or None,
                "files_written": target.files_written,
                "problem": target.problem or None,
            }
            for target in outcome.targets
        ],
        "nodes_changed": outcome.nodes_changed,
        "notes": list(outcome.notes),
        "warnings": list(outcome.warnings),
        "replaced": [each._asdict() for each in outcome.replaced],
    }


def plan_json(plan: Plan) -> dict[str, Any]:
    """Return the document of a plan."""
    return {
        "plan": plan.id,
        "base": plan.base,
        "changes": list(plan.changes),
        "targets": [
            {
                "name": target.name,
                "condition": target.condition,
                "write": list(target.write),
                "remove": list(target.remove),
                "problem": target.problem or None,
            }
            for target in plan.targets
        ],
        "nodes": plan.nodes,
        "nodes_changed": plan.nodes_changed,
        "warnings": list(plan.warnings),
        "replaced": [each._asdict() for each in plan.replaced],
    }


def status_of(outcome: Outcome) -> int:
    """Return the exit status of what was committed."""
    lags = errors.LAGGING if outcome.behind else errors.OK
    ahead = errors.DRIFT if outcome.ahead else errors.OK
    return errors.worst(lags, ahead)


def report(session: Session, outcome: Outcome) -> int:
    """Print what a commit did; return the exit status."""
    for warning in outcome.warnings:
        session.out.warn(warning)
    return session.finish(committed(session, outcome))


def committed(session: Session, outcome: Outcome) -> Done:
    """Return what a commit did, as it is to be said."""
    return Done(
        f"{outcome.revision} is committed" if outcome.commit else "nothing was to do",
        status_of(outcome),
        outcome_json(outcome),
        outcome_lines(session, outcome),
    )


def outcome_lines(session: Session, outcome: Outcome) -> Iterator[str]:
    """Say what a commit did."""
    yield from outcome.notes
    if not outcome.commit:
        return
    yield (
        f"{outcome.revision} {outcome.commit[:12]}: "
        f"{differently(outcome.nodes_changed)}"
    )
    for target in outcome.targets:
        if target.condition == "live" and target.live != outcome.commit:
            continue  # nothing that it serves has changed
        line = f"  {target.name}: {session.out.paint(target.condition)}"
        if target.files_written:
            line += f", {counted(target.files_written, 'file')} written"
        yield line + (f": {target.problem}" if target.problem else "")
    yield from loss_lines(outcome.replaced)


def plan_lines(session: Session, plan: Plan) -> Iterator[str]:
    """Say what a commit would do."""
    if not plan.changes:
        yield "nothing to commit"
        return
    yield f"changes on {plan.base[:12]}: {summary(plan.changes)}"
    for target in plan.targets:
        nothing = not (target.write or target.remove or target.problem)
        if nothing and target.condition == "live":
            continue
        files = counted(len(target.write), "file")
        yield (
            f"target {target.name} ({session.out.paint(target.condition)}): "
            f"{files} to write, {len(target.remove)} to remove"
            + (f": {target.problem}" if target.problem else "")
        )
        if session.verbose:
            yield from (f"  + {path}" for path in target.write)
            yield from (f"  - {path}" for path in target.remove)
    yield from loss_lines(plan.replaced)
    named = f": {plan.nodes}" if plan.nodes else ""
    yield f"{counted(plan.nodes_changed, 'node')} would boot differently{named}"


def loss_lines(losses: Sequence[Loss]) -> Iterator[str]:
    """Say which parameters give way to others, or are taken away, and count most."""
    for loss in losses[:_LOSSES]:
        yield f"  {given_way(loss)}, {counted(loss.nodes, 'node')}"
    if len(losses) > _LOSSES:
        more = len(losses) - _LOSSES
        yield f"  and {more:,} other parameters give way: --json has them all"


def given_way(gone: Loss | Replaced) -> str:
    """Say who took a parameter of a lower layer out of the line."""
    what = f"{gone.token} of {gone.origin}"
    if not gone.gave_way_to:
        return f"{what} is taken away by {gone.by}"
    return f"{what} gives way to {compose(gone.gave_way_to)} of {gone.by}"


def summary(edits: Sequence[str]) -> str:
    """Name a few edits, count many: see `by_kind`."""
    if len(edits) <= _NAMED:
        return ", ".join(edits) or "no changes"
    return by_kind(Counter(edit.partition(" ")[0] for edit in edits))


def by_kind(kinds: Mapping[str, int]) -> str:
    """Say how many documents of each kind: `3 images, 40 nodes`."""
    return ", ".join(
        counted(number, kind, _PLURALS.get(kind, ""))
        for kind, number in sorted(kinds.items())
        if number
    )


def differently(number: int) -> str:
    """Say how many nodes boot differently."""
    return f"{counted(number, 'node')} {'boots' if number == 1 else 'boot'} differently"
