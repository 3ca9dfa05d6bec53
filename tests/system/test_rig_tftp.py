"""in.tftpd as sites run it: what it serves of a tree, and what it refuses."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from support.rig import handmade, parts, tftp

pytestmark = pytest.mark.system


@pytest.fixture
def tree(tmp_path: Path) -> handmade.Tree:
    return handmade.Tree(tmp_path / "tftp").create()


@pytest.fixture
def server(tree: handmade.Tree) -> Iterator[tftp.Server]:
    with tftp.serve(tree.root) as server:
        yield server


def test_menus_are_fetched_through_live(
    tree: handmade.Tree, server: tftp.Server
) -> None:
    tree.add_template("web~0123456789ab", {"pxelinux": "first\n"})
    tree.link("pxelinux.cfg/01-aa", "web~0123456789ab/pxelinux")
    tree.link("pxelinux.cfg/01-bb", "+/web~0123456789ab/pxelinux")
    tree.add_generation({"web~0123456789ab": {"pxelinux": "second\n"}})

    assert tftp.fetch(server, "pxelinux.cfg/01-aa") == b"first\n"
    assert tftp.fetch(server, "/pxelinux.cfg/01-bb") == b"first\n"
    tree.switch()
    assert tftp.fetch(server, "pxelinux.cfg/01-aa") == b"second\n"


@pytest.mark.parametrize("size", [0, 1, 1427, 1428, 1429, 2856, 200_001])
def test_every_length_arrives_whole(
    tree: handmade.Tree, server: tftp.Server, size: int
) -> None:
    data = bytes(index * 31 % 251 for index in range(size))
    path = tree.add_object("vmlinuz", data)

    assert tftp.fetch(server, path) == data
    assert tftp.fetch(server, path, block_size=512) == data


def test_more_blocks_than_a_block_number_can_count(
    tree: handmade.Tree, server: tftp.Server
) -> None:
    data = bytes(range(256)) * 2 * 70_000
    path = tree.add_object("initrd.img", data)

    assert tftp.fetch(server, path, block_size=512) == data


def test_what_a_node_could_not_read_is_refused(
    tree: handmade.Tree, server: tftp.Server, tmp_path: Path
) -> None:
    tree.write("private", "x")
    (tree.root / "private").chmod(0o600)
    (tmp_path / "outside").write_text("x")
    (tree.root / "leaves").symlink_to("../outside")
    (tree.root / "absolute").symlink_to(tree.root / "pxelinux.cfg")
    (tree.root / "dangles").symlink_to("kp/live/none/pxelinux")

    with pytest.raises(tftp.TftpError, match="Permission denied"):
        tftp.fetch(server, "private")
    for path in ("leaves", "absolute/01-aa", "dangles", "none"):
        with pytest.raises(tftp.TftpError) as refused:
            tftp.fetch(server, path)
        assert refused.value.code == tftp.NOT_FOUND, path


def test_daemons_run_side_by_side_and_leave_nothing_behind(
    tree: handmade.Tree, server: tftp.Server
) -> None:
    tree.write("mine", "x")
    with tftp.serve(tree.root) as second:
        assert second.address != server.address
        assert tftp.fetch(second, "mine") == tftp.fetch(server, "mine") == b"x"
    with pytest.raises((TimeoutError, ConnectionRefusedError)):
        tftp.fetch(second, "mine", timeout=0.3)


def test_a_missing_part_is_a_failure_and_says_what_to_do() -> None:
    with pytest.raises(parts.MissingPartError, match="install-packages"):
        parts.Part("/usr/lib/no-such-loader").read()
    with pytest.raises(AssertionError, match="no-such-program"):
        parts.program("no-such-program")
