"""A TFTP target under the crash harnesses: power cuts, and bugs made on purpose."""

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from kpstore.targets.keep import Keep
from kpstore.targets.tftp import stage, switch
from kpstore.targets.tftp.format.entries import EntryWork
from kpstore.targets.tftp.format.layout import LIVE, MOVING, Layout
from support.crash import powerloss, ptrace
from support.crash.parallel import WorkerError
from support.crash.script import Ack, Script
from support.crash.seeded import Bug, bug
from support.crash.sweep import BrokenScriptError, sweep
from support.rotation import OneIn
from support.tftp_world import NEW, NODES, OLD, Commit, World, change, expected, whole

pytestmark = pytest.mark.skipif(
    ptrace.unsupported() is not None, reason=str(ptrace.unsupported())
)


def story(old: Commit, new: Commit) -> Script:
    """Publish `new` over `old`; whatever happens, one of the two is served."""
    nodes = set(NODES)
    was, becomes = expected(old, nodes), expected(new, nodes)

    def setup(root: Path) -> None:
        world = World(root)
        world.target.create()
        world.publish(None, old)

    def operation(root: Path, ack: Ack) -> None:
        staged = World(root).target.stage(change(old, new))
        ack("staged")
        staged.switch()
        ack("switched")

    def check(root: Path, acks: list[str]) -> list[str]:
        world = World(root)
        live = world.target.marker()
        assert live is not None
        if "switched" in acks and live != new.marker:
            return ["an acknowledged switch is lost"]
        served = world.served(nodes)
        if served != (becomes if live == new.marker else was):
            return [f"mixed: {_differing(served, was, becomes)}"]
        if live != new.marker or world.target.unfinished():
            world.target.stage(whole(new)).switch()
        world.target.sweep(Keep(now=1e12, grace=0))
        found = world.target.verify(whole(new), deep=True)
        left = world.temps()
        return [str(each) for each in found] + [f"left: {name}" for name in left]

    return Script(f"r{old.revision} to r{new.revision}", setup, operation, check)


def _differing(
    served: Mapping[str, object], was: Mapping[str, object], is_: Mapping[str, object]
) -> list[str]:
    return [node for node, menu in served.items() if menu not in (was[node], is_[node])]


SMALL = Commit(
    3,
    {**OLD.kernels},
    {**OLD.nodes, NODES[1]: OLD.nodes[NODES[5]], NODES[2]: (OLD.nodes[NODES[2]][0], 2)},
)


@pytest.mark.slow
@pytest.mark.parametrize("nth", [29, pytest.param(8, marks=pytest.mark.system)])
def test_a_cut_anywhere_in_a_big_change(nth: int, one_in: OneIn) -> None:
    part = one_in(nth)
    report = powerloss.examine(story(OLD, NEW), samples=8, part=part)
    print(report)
    assert report.runs > 1000 // part.step
    assert not report.findings, str(report)


def test_a_cut_anywhere(one_in: OneIn) -> None:
    report = powerloss.examine(story(OLD, SMALL), samples=2, part=one_in(5))
    print(report)
    assert report.runs > 50
    assert not report.findings, str(report)


@pytest.mark.slow
@pytest.mark.parametrize("nth", [17, pytest.param(4, marks=pytest.mark.system)])
def test_every_fault_at_every_call(nth: int, one_in: OneIn) -> None:
    report = sweep(story(OLD, SMALL), part=one_in(nth))
    print(report)
    assert not report.findings, str(report)


def _nothing(*_: Any, **__: Any) -> None:
    """Leave a step out."""


def _only_say_so(layout: Layout, work: EntryWork) -> None:
    """Take the mark away, and leave entry points on their way."""
    layout.path(LIVE, MOVING).unlink(missing_ok=True)


BUGS: Mapping[str, tuple[Callable[..., Any], Bug]] = {
    "directories not synced": (
        partial(powerloss.examine, samples=0, part=slice(0, None, 5)),
        bug(switch, sync_directory=_nothing),
    ),
    "transition links not made": (
        sweep,
        bug(switch.StagedGeneration, _announce=_nothing),
    ),
    "entry points not prepared": (
        sweep,
        bug(switch, before_switch=_nothing),
    ),
    "entry points not finished": (
        sweep,
        bug(switch, after_switch=_only_say_so),
    ),
    "transition links only in the old generation": (
        sweep,
        bug(stage, _write_transitions=_nothing),
    ),
}


@pytest.mark.slow
@pytest.mark.parametrize("name", BUGS)
def test_a_bug_made_on_purpose_is_caught(name: str) -> None:
    examine, mistake = BUGS[name]
    script = story(OLD, SMALL).with_bug(name, mistake)
    try:
        report = examine(script, until_bad=True)
    except WorkerError as error:  # so bad that it shows undisturbed
        assert BrokenScriptError.__name__ in str(error), error
        return
    print(report)
    assert report.findings
