"""What every origin of the registry has to do: over the sample trees in fixtures/."""

import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from kpcmd.arguments.kernel_origin import TakingCommand
from kpstore.artifacts.store import ArtifactStore
from kpstore.errors import KpError
from kpstore.formats import samples as make
from kpstore.kernels.contract import Given, KernelOrigin
from kpstore.kernels.gather import Gathered, Needs, gather
from kpstore.kernels.registry import LATER, ORIGINS
from support.imagetree import fill, sample, sample_releases, snapshot
from support.sources import ROOT

TREES = sorted(
    path.name for path in (ROOT / "fixtures/trees").iterdir() if path.is_file()
)
TREES.remove("README.md")
XEN = "boot/xen-4.17.gz"


@dataclass(frozen=True)
class Desk:
    """A sample tree, with a hypervisor, and a store to take into."""

    name: str
    tree: Path
    store: ArtifactStore

    @property
    def release(self) -> str:
        return sample_releases(self.name)[0]

    def take(self, origin: KernelOrigin, given: Given) -> Gathered:
        with origin.open(given) as parts:
            return gather(self.store, parts, Needs("x86_64"))

    def given(self, value: str, **beside: str) -> Given:
        return Given(value, {f"--{k}": [v] for k, v in beside.items()}, "w", self.tree)

    def kernel(self) -> Path:
        """Return the newest kernel's file."""
        files = {
            path
            for path, data in sample(self.name).items()
            if data == make.bzimage(self.release) and "rescue" not in path
        }
        return self.tree / min(files)


# What a person gives each origin: another origin, another line.
GIVEN: dict[str, Callable[[Desk], Given]] = {
    "--files": lambda desk: desk.given(str(desk.kernel()), modules=str(desk.tree)),
    "--xen": lambda desk: desk.given(str(desk.tree / XEN)),
    "--installed": lambda desk: desk.given(desk.release),
}
EACH = pytest.mark.parametrize("origin", ORIGINS, ids=lambda each: each.option.name)


@pytest.fixture(params=TREES)
def desk(request: pytest.FixtureRequest, tmp_path: Path) -> Desk:
    tree = tmp_path / "tree"
    fill(tree, sample(request.param) | {XEN: make.xen("4.17.5")})
    return Desk(request.param, tree, ArtifactStore(tmp_path / "store"))


def open_files() -> int:
    return len(os.listdir("/proc/self/fd"))


def test_every_option_has_one_origin_and_is_the_commands() -> None:
    every = [option.name for each in ORIGINS for option in (each.option, *each.beside)]
    every += LATER
    assert len({*every}) == len(every)
    shown = [option for each in TakingCommand("add").params for option in each.opts]
    assert shown[: len(every)] == every
    assert all(each.usage.startswith(each.option.name) for each in ORIGINS)


@EACH
def test_a_kernel_is_taken_whole_and_nothing_is_left_open(
    desk: Desk, origin: KernelOrigin
) -> None:
    before, opened = snapshot(desk.tree), open_files()
    given = GIVEN[origin.option.name](desk)
    found = desk.take(origin, given)
    assert desk.take(origin, given) == found
    assert open_files() == opened
    assert snapshot(desk.tree) == before
    kernel = found.kernel
    assert kernel.release == ("4.17.5" if kernel.kind == "xen" else desk.release)
    assert kernel.origin.detail
    refs = kernel.artifacts.refs()
    assert refs and all(desk.store.has(ref.sha256, ref.size) for ref in refs)


@EACH
@pytest.mark.parametrize(
    "value", ["", "/nowhere", "9.9", "../../x", "a\nb", "\udcff", "-", "x" * 300]
)
def test_what_is_not_there_is_refused_in_words(
    desk: Desk, origin: KernelOrigin, value: str
) -> None:
    opened = open_files()
    with pytest.raises(KpError) as refusal:
        desk.take(origin, desk.given(value))
    assert refusal.value.hint
    assert list(desk.store) == []
    assert open_files() == opened


@EACH
@pytest.mark.parametrize("damage", ["fifo", "folder", "empty", "text", "out"])
def test_a_damaged_kernel_is_never_waited_for_and_stores_nothing(
    desk: Desk, origin: KernelOrigin, damage: str, tmp_path: Path
) -> None:
    given = GIVEN[origin.option.name](desk)
    server = tmp_path / "server"
    server.write_bytes(make.bzimage(desk.release))
    for path, data in sample(desk.name).items() | {(XEN, b"xen")}:
        kernel = data in {make.bzimage(each) for each in sample_releases(desk.name)}
        if kernel or path == XEN:
            damaged(desk.tree / path, damage, server)
    with pytest.raises(KpError):
        desk.take(origin, given)
    assert list(desk.store) == []


def damaged(path: Path, damage: str, server: Path) -> None:
    path.unlink()
    if damage == "fifo":
        os.mkfifo(path)
    elif damage == "folder":
        path.mkdir()
    elif damage == "out":
        path.symlink_to(server)
    else:
        path.write_bytes(b"" if damage == "empty" else b"no kernel")
