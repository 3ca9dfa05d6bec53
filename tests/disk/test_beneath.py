import errno
import os
import socket
import stat

import pytest

from kpstore.disk import resolve
from kpstore.disk.beneath import Beneath
from kpstore.disk.durable import TEMP_PREFIX
from kpstore.errors import Refused
from support.openat2 import RESOLVERS, needs_openat2


@pytest.fixture(params=RESOLVERS)
def use_openat2(request):
    return request.param


@pytest.fixture
def host(tmp_path):
    """A directory beside the image that nobody may touch."""
    path = tmp_path / "host"
    path.mkdir()
    (path / "secret").write_bytes(b"secret")
    yield path
    assert [child.name for child in path.iterdir()] == ["secret"]
    assert (path / "secret").read_bytes() == b"secret"


@pytest.fixture
def image(tmp_path):
    path = tmp_path / "image"
    (path / "usr" / "boot").mkdir(parents=True)
    return path


@pytest.fixture
def tree(image, host, use_openat2):
    with Beneath.open(image, use_openat2=use_openat2) as beneath:
        yield beneath


def test_writes_and_reads(tree, image):
    before = os.umask(0o077)
    try:
        tree.makedirs("boot/kp")
        tree.write("boot/kp/menu", b"menu", mode=0o640)
    finally:
        os.umask(before)
    assert (image / "boot/kp/menu").read_bytes() == tree.read("boot/kp/menu", None)
    assert stat.S_IMODE((image / "boot/kp").stat().st_mode) == 0o755
    assert stat.S_IMODE((image / "boot/kp/menu").stat().st_mode) == 0o640
    assert tree.names("boot/kp") == ["menu"]


def test_removes_an_empty_directory_alone(tree, image):
    tree.remove_directory("nothing")
    with pytest.raises(OSError, match="not empty"):
        tree.remove_directory("usr")
    tree.remove_directory("usr/boot")
    assert os.listdir(image / "usr") == []
    (image / "link").symlink_to("usr")
    with pytest.raises(NotADirectoryError):
        tree.remove_directory("link")


def test_links_mean_what_they_mean_inside(tree, image):
    (image / "boot").symlink_to("/usr/boot")
    (image / "usr" / "again").symlink_to("../../../usr/./boot/")
    tree.write("boot/a", b"a")
    tree.write("usr/again/b", b"b")
    assert sorted(os.listdir(image / "usr" / "boot")) == ["a", "b"]
    assert tree.is_dir("boot")
    assert tree.exists("boot/b")
    assert tree.readlink("boot") == "/usr/boot"
    assert stat.S_ISLNK(tree.stat("boot").st_mode)


@pytest.mark.parametrize("target", ["{host}", "../host", "../../../../..{host}"])
@pytest.mark.parametrize(
    "act",
    [
        pytest.param(lambda tree: tree.write("boot/f", b"x"), id="write"),
        pytest.param(lambda tree: tree.makedirs("boot/kp"), id="makedirs"),
        pytest.param(lambda tree: tree.makedirs("boot"), id="makedirs-link"),
        pytest.param(lambda tree: tree.read("boot/secret", None), id="read"),
        pytest.param(lambda tree: tree.names("boot"), id="names"),
        pytest.param(lambda tree: list(tree.walk("boot")), id="walk"),
        pytest.param(lambda tree: tree.remove("boot/secret"), id="remove"),
        pytest.param(lambda tree: tree.remove_tree("boot/secret"), id="remove_tree"),
        pytest.param(lambda tree: tree.rename("boot/secret", "x"), id="rename-from"),
        pytest.param(lambda tree: tree.rename("usr", "boot/usr"), id="rename-to"),
        pytest.param(lambda tree: tree.exchange("usr", "boot/secret"), id="exchange"),
        pytest.param(lambda tree: tree.sweep_temporaries("boot"), id="sweep"),
    ],
)
def test_a_link_to_the_host_is_refused_by_name(tree, image, host, target, act):
    text = target.format(host=host)
    (image / "boot").symlink_to(text)
    with pytest.raises(Refused) as caught:
        act(tree)
    assert f"{image}/boot is a link to {text}" in caught.value.message
    assert not tree.exists("boot/secret")
    assert sorted(os.listdir(image)) == ["boot", "usr"]


@pytest.mark.parametrize("text", ["/boot", "boot", "../boot", "other"])
def test_a_circle_of_links_is_refused_by_name(tree, image, text):
    (image / "boot").symlink_to(text)
    (image / "other").symlink_to("boot")
    with pytest.raises(Refused, match=r"in a circle by the link (boot|other) ->"):
        tree.write("boot/f", b"x")
    with pytest.raises(Refused, match="boot"):
        tree.makedirs("boot/kp")
    assert not tree.exists("boot")


@pytest.mark.parametrize("rel", ["../host/secret", "usr/../../host/x", "/etc", "a\0b"])
def test_paths_that_climb_are_refused(tree, rel):
    for act in (tree.exists, tree.names, lambda rel: tree.write(rel, b"")):
        with pytest.raises(Refused, match="not a path inside"):
            act(rel)


@pytest.mark.parametrize("rel", ["", ".", "./"])
def test_the_root_itself_can_be_looked_at_but_not_replaced(tree, rel):
    assert tree.names(rel) == ["usr"]
    assert tree.is_dir(rel)
    for act in (tree.remove_tree, tree.remove, lambda rel: tree.write(rel, b"")):
        with pytest.raises(Refused, match="root"):
            act(rel)


def test_a_write_replaces_the_name_and_never_bytes_shared_with_the_host(
    tree, image, host
):
    os.link(host / "secret", image / "hard")
    (image / "soft").symlink_to("../host/secret")
    assert tree.read("hard", None) == b"secret"
    tree.write("hard", b"x")
    tree.write("soft", b"y")
    assert (image / "hard").read_bytes() == b"x"
    assert (image / "soft").read_bytes() == b"y"
    assert not (image / "soft").is_symlink()


def make_fifo(path):
    os.mkfifo(path)


def make_socket(path):
    # A socket's name is short by nature: bind it relative to its directory.
    before = os.open(".", os.O_RDONLY)
    os.chdir(path.parent)
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(path.name)
    finally:
        os.fchdir(before)
        os.close(before)


def make_device(path):
    os.mknod(path, 0o600 | stat.S_IFCHR, os.makedev(1, 5))  # /dev/zero


@pytest.mark.parametrize(
    "make",
    [make_fifo, make_socket, pytest.param(make_device, marks=pytest.mark.system)],
)
def test_what_is_no_file_is_never_opened(tree, image, tmp_path, make):
    make(image / "thing")
    with pytest.raises(Refused, match="thing is not a regular file"):
        tree.read("thing", 10)
    with pytest.raises(Refused, match="not a regular file"):
        tree.copy_in("copy", image / "thing")
    assert not tree.is_file("thing")
    assert ("thing", "other", 0) in list(tree.walk(""))
    tree.write("thing", b"replaced")
    assert (image / "thing").read_bytes() == b"replaced"


def test_a_directory_is_not_read(tree):
    with pytest.raises(Refused, match="not a regular file"):
        tree.open_read("usr")


def test_reading_stops_at_the_limit(tree, image):
    (image / "f").write_bytes(b"12345")
    assert tree.read("f", 5) == b"12345"
    with pytest.raises(Refused, match="longer than 4"):
        tree.read("f", 4)
    with tree.open_read("f") as file:
        assert file.read(2) == b"12"


def test_what_is_missing_is_named(tree, image):
    for act in (tree.names, tree.stat, tree.open_read):
        with pytest.raises(FileNotFoundError) as caught:
            act("usr/nothing")
        assert caught.value.filename == f"{image}/usr/nothing"
    tree.remove("usr/nothing")
    tree.remove_tree("usr/nothing")
    assert not tree.exists("usr/nothing/deeper")


def test_copies_are_independent(tree, image, host):
    tree.copy_in("usr/copy", host / "secret", mode=0o400)
    made = (image / "usr" / "copy").stat()
    assert made.st_nlink == 1
    assert stat.S_IMODE(made.st_mode) == 0o400
    assert (image / "usr" / "copy").read_bytes() == b"secret"


def test_rename_exchange_and_remove(tree, image):
    tree.write("a", b"a")
    tree.write("usr/b", b"b")
    tree.exchange("a", "usr/b")
    assert tree.read("a", None) == b"b"
    tree.rename("a", "usr/boot/c")
    assert tree.read("usr/boot/c", None) == b"b"
    tree.remove("usr/boot/c")
    tree.remove_tree("usr")
    assert os.listdir(image) == []


def test_remove_tree_follows_no_link(tree, image, host):
    (image / "usr" / "boot" / "out").symlink_to(host)
    (image / "usr" / "out").symlink_to("../../host")
    tree.remove_tree("usr")
    assert os.listdir(image) == []


def test_walk_names_all_and_follows_nothing(tree, image, host):
    (image / "usr" / "boot" / "f").write_bytes(b"123")
    (image / "usr" / "out").symlink_to(host)
    assert [(found.path, found.kind) for found in tree.walk("usr/")] == [
        ("usr/boot", "directory"),
        ("usr/boot/f", "file"),
        ("usr/out", "link"),
    ]
    assert [found.size for found in tree.walk("usr/boot")] == [3]


def test_endless_nesting_is_refused_a_walk_and_can_be_removed(tree, image):
    here = os.open(image, os.O_RDONLY)
    for _ in range(300):
        os.mkdir("d", dir_fd=here)
        below = os.open("d", os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    with pytest.raises(Refused, match="128 directories"):
        list(tree.walk(""))
    tree.remove_tree("d")
    assert not (image / "d").exists()


def test_sweep(tree, image):
    (image / "usr" / f"{TEMP_PREFIX}1.1-x").touch()
    (image / "usr" / "kept").touch()
    assert tree.sweep_temporaries("usr") == [f"{TEMP_PREFIX}1.1-x"]
    assert tree.names("usr") == ["boot", "kept"]


@pytest.mark.parametrize("call", ["write", "fchmod", "fsync", "rename"])
def test_a_failure_leaves_the_old_file_and_no_temp(tree, image, monkeypatch, call):
    tree.write("f", b"old")

    def refuse(*_args, **_kwargs):
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    with monkeypatch.context() as patch, pytest.raises(OSError) as caught:
        patch.setattr(os, call, refuse)
        tree.write("f", b"new")
    assert caught.value.filename == f"{image}/f"
    assert sorted(os.listdir(image)) == ["f", "usr"]
    assert (image / "f").read_bytes() == b"old"


def test_each_change_syncs_its_directories(tree, image, monkeypatch):
    synced = []
    real = os.fsync

    def fsync(descriptor):
        synced.append(os.readlink(f"/proc/self/fd/{descriptor}"))
        real(descriptor)

    monkeypatch.setattr(os, "fsync", fsync)
    top, usr = str(image), str(image / "usr")
    for act, expected in [
        (lambda: tree.makedirs("new"), [top]),
        (lambda: tree.makedirs("new/deep"), [top, f"{top}/new"]),
        (lambda: tree.rename("new", "usr/new"), [usr, top]),
        (lambda: tree.exchange("usr/new", "usr/boot"), [usr]),
        (lambda: tree.remove_tree("usr/new"), [usr]),
        (lambda: tree.sync("."), [top]),
    ]:
        synced.clear()
        act()
        assert synced == expected


def test_no_descriptor_is_left_open(image, host, use_openat2):
    before = len(os.listdir("/proc/self/fd"))
    (image / "loop").symlink_to("loop")
    (image / "out").symlink_to(host)
    with Beneath.open(image, use_openat2=use_openat2) as tree:
        tree.write("usr/f", b"")
        for rel in ("loop/x", "out/x", "usr/f/x", "missing/x"):
            with pytest.raises((Refused, OSError)):
                tree.write(rel, b"")
        list(tree.walk(""))
    assert len(os.listdir("/proc/self/fd")) == before


def test_falls_back_where_the_kernel_has_no_openat2(image, monkeypatch):
    def missing(*_args):
        raise OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))

    monkeypatch.setattr(resolve, "open_beneath", missing)
    with Beneath.open(image) as tree:
        tree.write("usr/f", b"x")
    assert (image / "usr" / "f").read_bytes() == b"x"
    with pytest.raises(OSError, match="not implemented"):
        Beneath.open(image, use_openat2=True)


@needs_openat2
def test_goes_on_by_hand_when_the_kernel_gives_up_on_a_race(image, monkeypatch):
    real = resolve.open_beneath
    tries = []

    def busy(directory, path, flags, how):
        tries.append(path)
        if path != ".":
            raise OSError(errno.EAGAIN, os.strerror(errno.EAGAIN))
        return real(directory, path, flags, how)

    monkeypatch.setattr(resolve, "open_beneath", busy)
    with Beneath.open(image) as tree:
        assert tree.names("usr") == ["boot"]
    assert tries.count("usr") > 1
