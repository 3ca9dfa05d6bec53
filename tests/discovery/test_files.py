"""An image tree as readers of loaders' files see it: beneath its root, never stuck."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from kpstore.discovery.files import SeenTree
from kpstore.disk.beneath import Beneath
from kpstore.loaders.tree import LIMIT, MOST, Tree
from support.filetree import files_in
from support.imagetree import fill

FILES = {
    "boot/grub/grub.cfg": b"set a=b\n",
    "boot/efi/EFI/one/grub.cfg": b"1",
    "boot/efi/EFI/two/other": b"2",
    "boot/efi/EFI/three": b"\xff",
}


@pytest.fixture
def root(tmp_path: Path) -> Path:
    fill(tmp_path / "tree", dict(FILES))
    return tmp_path / "tree"


@pytest.fixture
def seen(root: Path) -> Iterator[Tree]:
    with Beneath.open(root) as tree:
        yield SeenTree(tree)


@pytest.mark.parametrize("start", ["", "/", "/../"])
def test_files_and_folders(seen: Tree, root: Path, start: str) -> None:
    for tree in (seen, files_in(root)) if start != "/../" else (seen,):
        assert tree.text(f"{start}boot/grub/grub.cfg") == "set a=b\n"
        assert tree.data(f"{start}boot/grub/grub.cfg", 4, 2) == b"a="
        assert tree.size(f"{start}boot/grub/grub.cfg") == 8
        assert tree.is_file(f"{start}boot/grub/grub.cfg")
        assert tree.is_dir(f"{start}boot/grub")
        assert tree.names(f"{start}boot/efi/EFI") == ["one", "three", "two"]
        assert tree.text(f"{start}boot/efi/EFI/three") == "\ufffd"


def test_a_star_stands_within_one_part(seen: Tree, root: Path) -> None:
    for tree in (seen, files_in(root)):
        found = [
            "boot/efi/EFI/one/grub.cfg",
            "boot/efi/EFI/three/grub.cfg",
            "boot/efi/EFI/two/grub.cfg",
        ]
        assert list(tree.matching("boot/efi/EFI/*/grub.cfg")) == found
        assert [path for path in found if tree.is_file(path)] == found[:1]
        assert list(tree.matching("boot/grub/x")) == ["boot/grub/x"]
        assert list(tree.matching("boot/efi/EFI/t*")) == [
            "boot/efi/EFI/three",
            "boot/efi/EFI/two",
        ]


@pytest.mark.parametrize(
    "path",
    ["none", "boot/grub/grub.cfg/x", "boot", "a\0b", "x" * 5000, "x/" * 5000, "loop"],
)
def test_what_is_no_file_is_none(seen: Tree, root: Path, path: str) -> None:
    (root / "loop").symlink_to("loop")
    assert (seen.text(path), seen.data(path), seen.size(path)) == (None, None, None)
    assert not seen.is_file(path)
    assert seen.names(f"{path}/none") == []


def test_nothing_outside_is_read_and_nothing_blocks(seen: Tree, root: Path) -> None:
    (root.parent / "secret").write_text("secret")
    (root / "out").symlink_to(root.parent / "secret")
    (root / "in").symlink_to("/boot/grub/grub.cfg")
    os.mkfifo(root / "fifo")
    assert seen.text("../secret") is None
    assert seen.text("out") is None
    assert seen.text("in") == "set a=b\n"
    assert (seen.text("fifo"), seen.size("fifo"), seen.is_file("fifo")) == (
        None,
        None,
        False,
    )


def test_sizes_are_bounded(seen: Tree, root: Path) -> None:
    fill(root, {"full": b"x" * LIMIT, "more": b"x" * (LIMIT + 1)})
    assert len(seen.text("full") or "") == LIMIT
    assert seen.text("more") is None
    assert seen.size("more") == LIMIT + 1
    fill(root, {f"many/{number:05}": b"" for number in range(MOST + 1)})
    assert len(seen.names("many")) == MOST
