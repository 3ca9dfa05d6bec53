"""Trees are read and restored exactly."""

import os
from pathlib import Path

from support.crash.trees import Tree, capture, restore


def comparable(tree: Tree) -> dict[str, tuple[str, int, int, bytes]]:
    return {p: (n.kind, n.mode, n.mtime_ns, n.data) for p, n in tree.items()}


def plant(root: Path) -> None:
    (root / "dir" / "empty").mkdir(parents=True)
    (root / "dir" / "file").write_bytes(b"\0data")
    (root / "dir" / "file").chmod(0o640)
    (root / "link").symlink_to("dir/file")
    (root / "dangling").symlink_to("nowhere")
    os.link(root / "dir" / "file", root / "same")
    os.mkfifo(root / "fifo")
    os.utime(root / "dir", ns=(5, 5))


def test_restore_into_an_empty_directory(tmp_path: Path) -> None:
    plant(tmp_path)
    tree = capture(tmp_path)
    copy = tmp_path.parent / "copy"
    restore(tree, copy)
    assert comparable(capture(copy)) == comparable(tree)
    assert (copy / "same").samefile(copy / "dir" / "file")
    assert (copy / "link").samefile(copy / "same")


def test_restore_mends_every_kind_of_difference(tmp_path: Path) -> None:
    plant(tmp_path)
    tree = capture(tmp_path)
    (tmp_path / "dir" / "file").write_bytes(b"\0DATA")
    (tmp_path / "dir" / "more").mkdir()
    (tmp_path / "dir" / "more" / "deep").write_text("x")
    (tmp_path / "link").unlink()
    (tmp_path / "link").mkdir()
    (tmp_path / "dir" / "empty").rmdir()
    (tmp_path / "dir" / "empty").symlink_to("/")
    (tmp_path / "dangling").unlink()
    os.link(tmp_path / "same", tmp_path / "third")
    (tmp_path / "fifo").unlink()
    (tmp_path / "fifo").write_text("no longer")
    restore(tree, tmp_path)
    assert comparable(capture(tmp_path)) == comparable(tree)
    assert (tmp_path / "same").stat().st_nlink == 2


def test_restore_separates_what_was_linked_later(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("same")
    (tmp_path / "b").write_text("same")
    tree = capture(tmp_path)
    (tmp_path / "b").unlink()
    os.link(tmp_path / "a", tmp_path / "b")
    restore(tree, tmp_path)
    assert not (tmp_path / "a").samefile(tmp_path / "b")


def test_restore_leaves_alone_what_is_right(tmp_path: Path) -> None:
    (tmp_path / "a").write_text("same")
    tree = capture(tmp_path)
    before = (tmp_path / "a").stat().st_ctime_ns, (tmp_path / "a").stat().st_ino
    restore(tree, tmp_path)
    assert before == (
        (tmp_path / "a").stat().st_ctime_ns,
        (tmp_path / "a").stat().st_ino,
    )
