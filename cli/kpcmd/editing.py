"""How every editing verb goes: into the draft, as a dry run, or committed at once."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final

import typer

from kpcmd.context import Done, Session
from kpcmd.errors import OK, WrongUsage
from kpcmd.opening import picker
from kpcmd.views.outcomes import plan_json, plan_lines, report, summary
from kpstore.errors import Conflict
from kpstore.model.folding import counted
from kpstore.model.moves import group_sets
from kpstore.model.nodesets import expand, fold
from kpstore.model.state import State
from kpstore.operations.outcome import Plan

NOT_LIVE: Final = "not live: kp plan, kp commit"


@dataclass(frozen=True)
class Way:
    """What was asked besides the change: -m, -n, -y, --force.

    `op` goes into the record. `beside_draft`: the draft is not looked at.
    """

    op: str
    message: str | None = None
    dry_run: bool = False
    yes: bool = False
    force: str = ""
    beside_draft: bool = False


def edit(session: Session, way: Way, change: Callable[[State], object]) -> int:
    """Apply a change as `way` says; print what came of it.

    `change` may be called twice: once for the question, once for the commit.
    """
    if way.dry_run:
        return _preview(session, way, change)
    if way.message is None:
        if session.without or session.along or session.unlock:
            raise WrongUsage(
                "--without, --with and --unlock go with -m: a draft is published when "
                "it is committed",
                hint="kp commit --without TARGET, kp commit --unlock",
            )
        return _draft(session, change, force=bool(way.force))
    asked = None
    if _is_asked(session, way.yes):
        asked = _planned(session, way, change)
        confirm(session, asked)
    opened = picker(session)
    with opened.edit(
        way.message,
        op=way.op,
        force=way.force,
        beside_draft=way.beside_draft,
    ) as made:
        if asked and opened.site.tip() != asked.base:
            raise Conflict(
                f"main moved from {asked.base[:12]} while you were asked",
                hint="kp log -n 3 shows what happened; then again",
            )
        change(made.state)
    assert made.outcome  # an edit with a message has one
    return report(session, made.outcome)


def _draft(session: Session, change: Callable[[State], object], *, force: bool) -> int:
    with picker(session).edit() as made:
        change(made.state)
    edits = [str(key) for key in sorted(made.state.changes)]
    document, lines = {"draft": {"edits": edits}}, [f"draft: {summary(edits)}"]
    status = session.finish(Done("it is in your draft", OK, document, lines))
    session.out.say(NOT_LIVE if edits else "nothing to commit")
    if force:
        session.out.say("a draft is forced when it is committed: kp commit --force")
    return status


def _preview(session: Session, way: Way, change: Callable[[State], object]) -> int:
    """Show what an edit changes, and what a commit would do then.

    Without -m that is the commit of the caller's draft with the edit in it.
    """
    edits: list[str] = []

    def compared(state: State) -> None:
        before, nothing = state.changes, object()
        change(state)
        after = state.changes
        edits.extend(
            str(key)
            for key in sorted(before.keys() | after.keys())
            if before.get(key, nothing) != after.get(key, nothing)
        )

    plan = _planned(session, way, compared)
    for warning in plan.warnings:
        session.out.warn(warning)
    what = f"this would change: {summary(edits)}"
    lines = [what, *plan_lines(session, plan)]
    session.out.answer({**plan_json(plan), "edits": edits}, lines)
    return 0


def _planned(session: Session, way: Way, change: Callable[[State], object]) -> Plan:
    with picker(session).edit(
        way.message,
        dry_run=True,
        force=way.force,
        beside_draft=way.beside_draft,
    ) as made:
        change(made.state)
    assert made.plan  # a dry run has one
    return made.plan


def show_plan(session: Session, plan: Plan) -> int:
    """Print a plan."""
    for warning in plan.warnings:
        session.out.warn(warning)
    session.out.answer(plan_json(plan), plan_lines(session, plan))
    return 0


# --- asking


def _is_asked(session: Session, yes: bool) -> bool:
    return session.world.terminal and not yes and not session.as_json


def confirm(session: Session, plan: Plan, *, yes: bool = False) -> None:
    """Ask a person once, when many nodes change; typer.Abort when the answer is no."""
    if not _is_asked(session, yes):
        return
    limit = picker(session).view("HEAD").site().confirm_above
    if plan.nodes_changed > limit:
        ask(session, f"{counted(plan.nodes_changed, 'node')} change: {plan.nodes}")


def ask(session: Session, what: str) -> None:
    """Ask whether to go on; typer.Abort when the answer is no."""
    session.out.say(what)
    typer.confirm("Go on?", abort=True, err=True)


# --- node sets


def nodes_of(session: Session, state: State, texts: Sequence[str]) -> list[str]:
    """Return the nodes that sets name, once they were said to the person."""
    names = expand(texts, group_sets(state))
    say_nodes(session, names)
    return names


def say_nodes(session: Session, names: Iterable[str]) -> None:
    """Say which nodes a verb is about, and how many."""
    listed = list(names)
    text = f"{counted(len(listed), 'node')}: {fold(listed)}" if listed else "no nodes"
    session.say_once(text)
