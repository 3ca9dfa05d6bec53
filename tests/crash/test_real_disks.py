"""The harnesses that need root: a real ext4 losing power, a really full disk."""

import pytest

from support.crash import seeded, toy
from support.crash.ext4 import Cut, Image, Laboratory, Recording, crash
from support.crash.mounts import private_namespace
from support.crash.parallel import WorkerError, in_processes
from support.crash.script import Script
from support.crash.smallfs import Room, fill
from support.crash.sweep import BrokenScriptError
from support.crash.toy import TOY
from support.crash.trees import scratch

pytestmark = pytest.mark.system

ROOMS = [Room(pages=n) for n in range(20)] + [Room(inodes=n) for n in range(20)]


@pytest.mark.parametrize("noise", [False, True], ids=["quiet", "noisy"])
def test_ext4_a_correct_writer_survives(noise: bool) -> None:
    report = crash(TOY, samples=8, noise=noise)
    print(report)
    assert report.bad == 0
    assert report.runs > 80


@pytest.mark.parametrize(
    ("name", "noise"),
    [("no fsync", False), ("no fsync", True), ("no file fsync", True)],
)
def test_ext4_missing_syncs_are_caught(name: str, noise: bool) -> None:
    report = crash(TOY.with_bug(name, seeded.EVERYWHERE[name]), noise=noise)
    print(report)
    assert report.bad > 0


def test_ext4_a_limit_thins_the_states() -> None:
    assert crash(TOY, limit=20).runs == 20


def test_ext4_a_bad_undisturbed_run_stops_it() -> None:
    broken = Script("broken", TOY.setup, TOY.operation, lambda root, acks: ["bad"])
    with pytest.raises(WorkerError, match=BrokenScriptError.__name__):
        crash(broken)


def test_ext4_an_image_that_does_not_mount_is_told() -> None:
    def mount_zeros(_: int) -> list[str]:
        private_namespace()
        with scratch() as where:
            image = Image(Recording(bytes(1 << 24), [], []))
            return Laboratory(TOY, where, 16).check(image, Cut(0, ()), [])

    ((wrong,),) = in_processes(1, mount_zeros)
    assert wrong.startswith("ext4 does not mount")


def test_full_disk_a_correct_writer_survives() -> None:
    report = fill(TOY, ROOMS)
    print(report)
    assert report.bad == 0
    assert report.runs == len(ROOMS) + 1
    assert refused(report.name) > 15


def test_full_disk_an_acknowledged_refusal_is_caught() -> None:
    bug = seeded.bug(toy, commit=seeded.swallowing(toy.commit))
    assert fill(TOY.with_bug("refusal acknowledged", bug), ROOMS).bad > 0


def refused(name: str) -> int:
    return int(name.rpartition(", ")[2].split()[0])
