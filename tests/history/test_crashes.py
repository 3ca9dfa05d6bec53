"""History under kill, disk errors and power cuts: what was said stays said."""

import errno
import shutil
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest

from kpstore.disk import batch
from kpstore.errors import KpError
from kpstore.history import drafts, owners, walk
from kpstore.history.git.repository import Repository
from kpstore.history.paths import MAIN
from kpstore.history.snapshot import Snapshot
from kpstore.model.documents import BootConfig, Document
from kpstore.model.keys import Key
from support.crash import ptrace
from support.crash.diskmodel import Mode
from support.crash.faults import KILL, failing
from support.crash.powerloss import examine
from support.crash.script import Ack, Bug, Script
from support.crash.sweep import sweep
from support.histories import SITE, START, commit, grow, image, make, node, nodes
from support.rotation import OneIn

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        ptrace.unsupported() is not None, reason=str(ptrace.unsupported())
    ),
]
HOST = "head1"
ENTRY = Key("entry", "production", "web")
STEPS: list[dict[Key, Document | None]] = [
    {ENTRY: BootConfig(kernel="k1", params=("a=1",))},
    dict(nodes(30)),  # more objects than are written loose: a pack
    {Key("node", "n000007"): node(7, vars={"rack": "r1"}), **image("db")},
]


def setup(root: Path) -> None:
    repository = make(root / "state.git")
    grow(repository, SITE | image())
    repository.close()


def step(repository: Repository, changes: dict[Key, Document | None]) -> str:
    """Save a draft, commit it, drop it."""
    main = repository.tip(MAIN) or ""
    number = walk.revision(repository.commit(main)).number + 1
    found = drafts.load(repository, "ann", main)
    drafts.save(
        repository,
        "ann",
        found.base if found else main,
        changes,
        expected=found.commit if found else None,
        author="Ann <ann@head1>",
        time=START,
        host=HOST,
        wait=0,
    )
    made = commit(repository, main, changes, revision=number)
    repository.advance(MAIN, main, made, host=HOST, wait=0)
    return made


def operation(root: Path, ack: Ack) -> None:
    with closing(Repository(root / "state.git")) as repository:
        for number, changes in enumerate(STEPS, 2):
            step(repository, changes)
            ack(f"r{number}")
            drafts.discard(repository, "ann", host=HOST, wait=0)


def check(root: Path, acks: list[str]) -> list[str]:
    """Look at all of history; then the next writer goes on, and leaves no litter."""
    with closing(Repository(root / "state.git")) as repository:
        repository.sweep(HOST)
        chain = list(walk.chain(repository, repository.tip(MAIN)))
        wrong = [] if len(chain) > len(acks) else [f"lost: {acks}, {len(chain)}"]
        for number, found in zip(range(len(chain), 0, -1), chain, strict=True):
            if walk.revision(found).number != number:
                wrong.append(f"r{number} is another")
        wrong += _differs(Snapshot(repository, chain[0].id), len(chain) - 1)
        step(repository, {ENTRY: BootConfig(kernel="k1", params=("next",))})
        drafts.discard(repository, "ann", host=HOST, wait=0)
    names = [path.name for path in (root / "state.git").rglob("*")]
    litter = [n for n in names if n.startswith(".kp-tmp") or n.endswith(".lock")]
    return wrong + [f"left behind: {litter}"] * bool(litter)


def _differs(found: Snapshot, steps: int) -> list[str]:
    expected: dict[Key, Document | None] = {**SITE, **image()}
    for changes in STEPS[:steps]:
        expected |= changes
    wrong = [str(key) for key, value in expected.items() if found.get(key) != value]
    wrong += ["nodes"] * (len(found.names("node")) != 30 * (steps > 1))
    return [f"after {steps} steps differs: {wrong}"] if wrong else []


SCRIPT = Script("history", setup, operation, check, expected=(KpError, OSError))


@pytest.mark.parametrize("nth", [23, pytest.param(8, marks=pytest.mark.system)])
def test_kill_and_disk_errors_at_every_call(nth: int, one_in: OneIn) -> None:
    specs = [KILL, *(failing(number) for number in (errno.EIO, errno.ENOSPC))]
    report = sweep(SCRIPT, specs, part=one_in(nth))
    print(report)
    assert report.bad == 0, report


@pytest.mark.parametrize("nth", [41, pytest.param(14, marks=pytest.mark.system)])
@pytest.mark.parametrize("mode", ["strict", "ordered"])
def test_power_cuts(mode: Mode, nth: int, one_in: OneIn) -> None:
    report = examine(SCRIPT, mode, part=one_in(nth))
    print(report)
    assert report.bad == 0, report


# --- the first draft in a repository of a kp that kept no records


def _save(repository: Repository, user: str) -> None:
    main = repository.tip(MAIN) or ""
    found = drafts.load(repository, user, main)
    drafts.save(
        repository,
        user,
        found.base if found else main,
        {ENTRY: None},
        expected=found.commit if found else None,
        author="Ann <ann@head1>",
        time=START,
        host=HOST,
        wait=0,
    )


def setup_before(root: Path) -> None:
    setup(root)
    with closing(Repository(root / "state.git")) as repository:
        _save(repository, "bob")
        shutil.rmtree(repository.path / "kp")


def begun(root: Path, ack: Ack) -> None:
    with closing(Repository(root / "state.git")) as repository:
        _save(repository, "ann")
        ack("saved")


def still_theirs(root: Path, acks: list[str]) -> list[str]:
    """Look at whose drafts are whose; then both go on."""
    with closing(Repository(root / "state.git")) as repository:
        repository.sweep(HOST)
        users = owners.users(repository)
        wrong = [] if users == ["ann", "bob"] or not acks else [f"only {users}"]
        for user in ("ann", "bob"):
            _save(repository, user)  # it loads what is there first
    litter = list((root / "state.git").rglob(".kp-tmp*"))
    return wrong + [f"left behind: {litter}"] * bool(litter)


BEGUN = Script("records", setup_before, begun, still_theirs, expected=SCRIPT.expected)


def test_records_begun_and_killed_at_every_call(one_in: OneIn) -> None:
    specs = [KILL, *(failing(number) for number in (errno.EIO, errno.ENOSPC))]
    report = sweep(BEGUN, specs, part=one_in(5))
    print(report)
    assert report.bad == 0, report


@pytest.mark.parametrize("mode", ["strict", "ordered"])
def test_records_begun_and_unplugged(mode: Mode, one_in: OneIn) -> None:
    report = examine(BEGUN, mode, part=one_in(11))
    print(report)
    assert report.bad == 0, report


@contextmanager
def recorded_too_late() -> Iterator[None]:
    """As if a draft's record were written behind its ref."""
    real = Repository.advance

    def advance(self: Repository, ref: str, *rest: Any, **more: Any) -> None:
        real(self, ref, *rest, **more)
        for user in ("ann", "bob"):
            if ref == owners.ref_of(user):
                late(self, user, rest[-1], "late")

    late = owners.record
    with (
        patch.object(owners, "record", lambda *_: None),
        patch.object(Repository, "advance", advance),
    ):
        yield


def test_a_record_that_comes_too_late_is_noticed() -> None:
    broken = SCRIPT.with_bug("recorded too late", recorded_too_late)
    assert sweep(broken, [KILL], part=slice(0, None, 3), until_bad=True).bad


@contextmanager
def nothing_is_synced() -> Iterator[None]:
    with patch("os.fsync", lambda _: None):
        yield


@contextmanager
def directories_are_not_synced() -> Iterator[None]:
    nothing = patch.object(batch, "sync_directory", lambda _: None)
    with nothing, patch.object(batch, "sync_directory_fd", lambda _: None):
        yield


@pytest.mark.parametrize("bug", [nothing_is_synced, directories_are_not_synced])
def test_a_missing_sync_is_noticed(bug: Bug) -> None:
    """The control: what these tests say would be worth nothing without it."""
    broken = SCRIPT.with_bug(bug.__name__, bug)
    report = examine(broken, part=slice(0, None, 41), until_bad=True)
    assert report.bad > 0, report
