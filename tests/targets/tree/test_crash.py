"""An image tree is old, new, or says that it is in transition: killed, or unplugged.

At any moment each entry that is listed finds its kernel and its modules whole, and
the next publish ends clean.
"""

import pickle
import shutil
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from kpstore.disk.beneath import Beneath
from kpstore.targets.keep import Keep
from kpstore.targets.tree import objects as tree_objects
from kpstore.targets.tree import stage
from kpstore.targets.tree.layout import LIVE
from kpstore.targets.tree.modules import content
from kpstore.targets.tree.survey import Survey
from kpstore.targets.tree.target import TreeRendering
from support.crash import failedsync, powerloss, ptrace, seeded
from support.crash.faults import KILL
from support.crash.script import Ack, Script
from support.crash.sweep import sweep
from support.imagetree import (
    HEADER,
    ImageRig,
    Kernel,
    fill,
    publish,
    rendering,
    snapshot,
)
from support.rotation import OneIn

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(
        ptrace.unsupported() is not None, reason=str(ptrace.unsupported())
    ),
]

GRUB, LOADER, ENTRIES = (
    "boot/grub/grub.cfg",
    "boot/loader/loader.conf",
    "boot/loader/entries",
)
DRIVER = b"distribution's module"
THEIRS = {
    "boot/vmlinuz-6.1.0": b"distribution's kernel",
    "usr/lib/modules/6.1.0/kernel/a.ko": DRIVER,
    f"{ENTRIES}/theirs.conf": b"title theirs\n",
}


class Story(NamedTuple):
    """The commits by revision, what their modules are, and how it ends."""

    commits: dict[int, TreeRendering]
    end: dict[str, tuple[object, ...]]

    @property
    def modules(self) -> set[str]:
        return {each[1] for commit in self.commits.values() for each in commit.modules}


def commits(rig: ImageRig) -> dict[int, TreeRendering]:
    """Another kernel comes and one goes; then one is built again, and one goes."""
    stock = rig.kernel(b"stock", "6.1.0", {"modules.dep": b"", "kernel/a.ko": DRIVER})
    one = rig.kernel(b"one", "6.9", {"modules.dep": b"1", "kernel/b.ko": b"b1"})
    again = rig.kernel(b"again", "6.9", {"modules.dep": b"2", "kernel/b.ko": b"b2"})
    two = rig.kernel(b"two", "6.12", {"modules.dep": b""})
    return {
        1: entries(1, stock=stock, one=one),
        2: entries(2, two=two, one=one),
        3: entries(3, one=again, stock=stock),
    }


def entries(revision: int, **kernels: Kernel) -> TreeRendering:
    """A grub.cfg and BLS files that list the kernels, each with its release."""
    lines = {
        name: f"linux {each.object.path} {each.modules[0]}\n".encode()
        for name, each in kernels.items()
        if each.modules
    }
    files = {f"{ENTRIES}/kp-{name}.conf": HEADER + lines[name] for name in lines}
    files[GRUB] = HEADER + b"".join(lines.values())
    files[LOADER] = HEADER + f"default kp-{next(iter(lines))}.conf\n".encode()
    return rendering(revision, files, (GRUB, LOADER), *kernels.values())


def setup(where: Path) -> None:
    """Revision 1 live, beside a distribution's own kernel; the end is noted."""
    model = ImageRig(where / "model")
    begin(model)
    told = commits(model)
    for revision in told:
        publish(model.target(), told[revision])
    model.target().sweep(kept(told[3]))
    end = snapshot(model.root)
    shutil.rmtree(where / "model")
    rig = ImageRig(where)
    begin(rig)
    commits(rig)
    publish(rig.target(), told[1])
    (where / "story").write_bytes(pickle.dumps(Story(told, end)))


def begin(rig: ImageRig) -> None:
    rig.make()
    fill(rig.root, {f"{ENTRIES}/theirs.conf": b"title theirs\n"})
    rig.target().create()


def kept(*live: TreeRendering) -> Keep:
    objects = {each.sha256 for commit in live for each in commit.objects}
    releases = {each[0] for commit in live for each in commit.modules}
    return Keep(artifacts=objects, releases=releases)


def story(where: Path) -> Story:
    found: Story = pickle.loads((where / "story").read_bytes())
    return found


def operation(where: Path, ack: Ack) -> None:
    """Publish the later revisions, each with the one before kept for a rollback."""
    told, target = story(where).commits, ImageRig(where).target()
    for revision in (2, 3):
        publish(target, told[revision])
        ack(f"r{revision}")
        target.sweep(kept(told[revision], told[revision - 1]))
        ack(f"swept {revision}")


def check(where: Path, acks: list[str]) -> list[str]:
    told, rig = story(where), ImageRig(where)
    wrong = [*as_found(rig, told, acks)]
    publish(rig.target(), told.commits[3])
    rig.target().sweep(kept(told.commits[3]))
    if rig.target().verify(told.commits[3], deep=True):
        wrong.append("the next publish does not mend it")
    return wrong + differences(snapshot(rig.root), told.end)


def as_found(rig: ImageRig, told: Story, acks: list[str]) -> list[str]:
    wrong = [
        f"{path} of others is changed"
        for path, data in THEIRS.items()
        if (rig.root / path).read_bytes() != data
    ]
    with Beneath.open(rig.root) as tree:
        wrong += [
            each for line in listed(rig.root) for each in unbootable(tree, told, line)
        ]
    default = (rig.root / LOADER).read_text().split()[-1]
    if not (rig.root / ENTRIES / default).exists():
        wrong.append("the default is not there")
    acked = max((int(each[1:]) for each in acks if each.startswith("r")), default=1)
    return wrong + marked(rig, told, acked)


def listed(root: Path) -> list[str]:
    files = [root / GRUB, *(root / ENTRIES).glob("kp-*.conf")]
    lines = [line for file in files for line in file.read_text().splitlines()]
    return [line for line in lines if line.startswith("linux ")]


def unbootable(tree: Beneath, told: Story, line: str) -> list[str]:
    _, path, release = line.split()
    wrong = []
    if not tree.exists(path):
        wrong.append("a listed kernel is missing")
    elif not tree_objects.intact(tree, path.split("/")[2]):
        wrong.append("a listed kernel is torn")
    if content(tree, release) not in told.modules:
        wrong.append("the modules of a listed kernel are missing or torn")
    return wrong


def marked(rig: ImageRig, told: Story, acked: int) -> list[str]:
    marker = rig.target().marker()
    if marker is None:
        return [] if rig.target().unfinished() else ["no marker, and not in transition"]
    if marker.revision < acked:
        return ["what was acked is lost"]
    found = rig.target().verify(told.commits[marker.revision], deep=True)
    return [
        f"marked live, but {each.path} is {each.kind}"
        for each in found
        if each.kind != "unfinished"  # a temp of the killed process
    ]


def differences(
    found: dict[str, tuple[object, ...]], meant: dict[str, tuple[object, ...]]
) -> list[str]:
    names = {
        name for name in found.keys() | meant if found.get(name) != meant.get(name)
    }
    return [
        f"at the end {name} is {found.get(name)} not {meant.get(name)}"
        for name in names - {"boot/kp/files"}
    ]


TREE = Script("image tree", setup, operation, check)


@pytest.mark.parametrize("nth", [13, pytest.param(4, marks=pytest.mark.system)])
def test_killed_or_refused_anywhere(nth: int, one_in: OneIn) -> None:
    part = one_in(nth)
    report = sweep(TREE, part=part)
    print(report)
    assert report.bad == 0
    assert report.unreached == 0
    assert report.runs > 500 // part.step


@pytest.mark.parametrize("nth", [11, pytest.param(4, marks=pytest.mark.system)])
@pytest.mark.parametrize("mode", ["strict", "ordered"])
def test_unplugged_anywhere(mode: powerloss.Mode, nth: int, one_in: OneIn) -> None:
    part = one_in(nth)
    report = powerloss.examine(TREE, mode, samples=8, part=part)
    print(report)
    assert report.bad == 0
    assert report.runs > 150 // part.step


@pytest.mark.system
def test_no_failed_sync_is_believed(one_in: OneIn) -> None:
    report = failedsync.examine(TREE, samples=2, part=one_in(2))
    print(report)
    assert report.bad == 0


def marker_stays(tree: Beneath, path: str) -> None:
    if path != LIVE:
        REMOVE(tree, path)


def taken_away_first(tree: Beneath, new: str, old: str) -> None:
    tree.remove_tree(old)
    tree.rename(new, old)


def switched_first(*args: object) -> Survey:
    found = SURVEY(*args)
    return replace(found, write=found.write[::-1])


REMOVE, SURVEY = Beneath.remove, stage.survey
KILLED = {
    "the marker stays": seeded.bug(Beneath, remove=marker_stays),
    "modules are taken away first": seeded.bug(Beneath, exchange=taken_away_first),
    "the switch comes first": seeded.bug(stage, survey=switched_first),
    "in place": seeded.in_place,
}
UNPLUGGED = {
    "no fsync": seeded.no_fsync,
    "no directory fsync": seeded.no_directory_fsync,
    "fsync after rename": seeded.fsync_after_rename,
}


@pytest.mark.parametrize("name", KILLED)
def test_bugs_are_caught_by_kills(name: str) -> None:
    report = sweep(TREE.with_bug(name, KILLED[name]), [KILL], until_bad=True)
    print(report)
    assert report.bad > 0


@pytest.mark.parametrize("name", UNPLUGGED)
def test_bugs_are_caught_by_power_cuts(name: str) -> None:
    script = TREE.with_bug(name, UNPLUGGED[name])
    report = powerloss.examine(
        script, samples=2, part=slice(0, None, 16), until_bad=True
    )
    print(report)
    assert report.bad > 0
