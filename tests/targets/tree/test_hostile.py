"""Whoever is root in an image reaches nothing outside, and kp waits for nothing."""

import multiprocessing
import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from kpstore.disk.exchange import exchange
from kpstore.errors import KpError
from kpstore.targets.keep import Keep
from support.imagetree import GRUB, ImageRig, Kernel, bls, fill, grub, publish, snapshot

MODULES = {"modules.dep": b"", "kernel/a.ko": b"a"}


@pytest.fixture
def host(tmp_path: Path) -> Iterator[Path]:
    """A directory of the host that nobody may change."""
    path = tmp_path / "host"
    fill(path, {"grub.cfg": b"host's", "live": b"host's", "modules/6.9/x": b"host's"})
    (path / "grub.cfg").chmod(0o600)
    before = snapshot(path)
    yield path
    assert snapshot(path) == before
    assert (path / "grub.cfg").stat().st_nlink <= 2


@pytest.fixture
def rig(tmp_path: Path, host: Path) -> ImageRig:
    made = ImageRig(tmp_path).make()
    made.target().create()
    return made


def everything(rig: ImageRig) -> None:
    """Whatever kp may do to a tree; every step may be refused."""
    kernel = rig.kernel(b"one", "6.9", MODULES)
    other = rig.kernel(b"two", "6.9", {"modules.dep": b"2"})
    target = rig.target(replace=True)
    both = (grub(1, kernel), bls(2, a=kernel), grub(3, other))
    steps: list[Callable[[], object]] = [
        target.identity,
        target.create,
        target.adopt,
        lambda: target.set_hold("hold"),
        target.marker,
        target.unfinished,
        target.quick,
        *(lambda each=each: target.plan(each) for each in both),
        *(lambda each=each: publish(target, each) for each in both),
        lambda: target.stage(both[0]).discard(),
        lambda: target.verify(both[2], deep=True),
        lambda: target.repair(both[2], rig.where / "found"),
        lambda: target.sweep(Keep()),
        lambda: target.remove(target.stage(both[0]).originals),
    ]
    for step in steps:
        with suppress(KpError, OSError):
            step()


@pytest.mark.parametrize("target", ["{host}", "../host", "../../../..{host}", "/boot"])
@pytest.mark.parametrize(
    "name",
    [
        "boot",
        "boot/kp",
        "boot/kp/TARGET",
        "boot/kp/live",
        "boot/kp/files",
        "boot/grub",
        GRUB,
        "boot/loader",
        "boot/loader/entries",
        "lib",
        "lib/modules",
        "lib/modules/6.9",
    ],
)
def test_links_that_lead_out(rig: ImageRig, host: Path, name: str, target: str) -> None:
    place = rig.root / name
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_symlink() or place.exists():
        place.rename(rig.where / "was")
    place.symlink_to(target.format(host=host))
    everything(rig)


@pytest.mark.parametrize(
    "name",
    [
        "boot/kp/TARGET",
        "boot/kp/live",
        "boot/kp/files",
        GRUB,
        "lib/modules/6.9",
        "lib/modules",
        "boot/loader/loader.conf",
    ],
)
@pytest.mark.parametrize(
    "kind",
    [stat.S_IFIFO, stat.S_IFSOCK, pytest.param(stat.S_IFCHR, marks=pytest.mark.system)],
)
def test_fifos_and_devices_are_not_opened(rig: ImageRig, name: str, kind: int) -> None:
    place = rig.root / name
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.exists():
        place.rename(rig.where / "was")
    os.mknod(place, 0o666 | kind, os.makedev(1, 3))
    everything(rig)


def test_hard_links_to_the_hosts_files_are_cut_not_written_through(
    rig: ImageRig, host: Path
) -> None:
    kernel = rig.kernel(b"host's")
    for name in (GRUB, "boot/kp/live", "boot/kp/files", kernel.object.path):
        (rig.root / name).parent.mkdir(parents=True, exist_ok=True)
        os.link(host / "grub.cfg", rig.root / name)
    publish(rig.target(replace=True), grub(1, kernel))
    assert (rig.root / GRUB).read_bytes() == grub(1, kernel).files[GRUB]


def test_nested_beyond_reason(rig: ImageRig) -> None:
    publish(rig.target(), grub(1, rig.kernel(b"one", "6.9", MODULES)))
    deep = os.open(rig.root / "usr/lib/modules/6.9", os.O_RDONLY)
    for _ in range(400):
        os.mkdir("d", dir_fd=deep)
        inside = os.open("d", os.O_RDONLY, dir_fd=deep)
        os.close(deep)
        deep = inside
    os.close(deep)
    everything(rig)


def swap(first: str, second: str) -> None:
    while True:
        with suppress(OSError):
            exchange(Path(first), Path(second))


@contextmanager
def swapped(directory: Path, host: Path) -> Iterator[None]:
    """Another process turns `directory` into a link to `host` and back, for ever."""
    directory.mkdir(parents=True, exist_ok=True)
    evil = directory.parent / "evil"
    evil.symlink_to(host)
    attacker = multiprocessing.get_context("fork").Process(
        target=swap, args=(str(directory), str(evil)), daemon=True
    )
    attacker.start()
    try:
        yield
    finally:
        attacker.kill()
        attacker.join()


@pytest.mark.parametrize(
    "name", ["boot", "boot/kp", "boot/grub", "usr/lib/modules", "boot/loader/entries"]
)
def test_links_swapped_under_kp(rig: ImageRig, host: Path, name: str) -> None:
    kernels = [
        rig.kernel(bytes([n]), "6.9", {"modules.dep": bytes([n])}) for n in (1, 2)
    ]
    publish(rig.target(), grub(1, kernels[0]))
    with swapped(rig.root / name, host):
        done = sum(attempt(rig, n, kernels[n % 2]) for n in range(2, 40))
    print(f"{name}: {done} of 38 publishes went through")


def attempt(rig: ImageRig, revision: int, kernel: Kernel) -> bool:
    target = rig.target(replace=True)
    for what in (grub(revision, kernel), bls(revision, a=kernel)):
        with suppress(KpError, OSError):
            publish(target, what)
            target.sweep(Keep())
            target.repair(what, rig.where / "found")
            return True
    return False


def test_the_race_is_one_that_a_plain_write_loses(tmp_path: Path) -> None:
    """The control: the same attack, a writer that checks the path and then uses it."""
    outside, grub = tmp_path / "outside", tmp_path / "image/boot/grub"
    outside.mkdir()
    with swapped(grub, outside):
        while not any(outside.iterdir()):
            if not grub.is_symlink():
                (grub / "grub.cfg").write_bytes(b"")
