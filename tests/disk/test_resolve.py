"""The race: someone in the image swaps a directory and a link while we write."""

import os
import shutil
import subprocess
import sys
from contextlib import contextmanager, suppress
from itertools import count

import pytest

from kpstore.disk import libc
from kpstore.disk.beneath import Beneath
from kpstore.disk.exchange import exchange
from kpstore.errors import Refused
from support.openat2 import RESOLVERS

WRITES = 2000
MET = 20


def ways_back(seam):
    return [(), *((seam + gap,) for gap in (1, 2, 4))]


ATTACKER = """
import sys
from pathlib import Path
from kpstore.disk.exchange import exchange
image = Path(sys.argv[1])
print("ready", flush=True)
while True:
    exchange(image / "boot", image / "evil")
"""


@pytest.fixture
def host(tmp_path):
    path = tmp_path / "host"
    path.mkdir()
    return path


@pytest.fixture
def image(tmp_path, host):
    path = tmp_path / "image"
    (path / "boot" / "sub").mkdir(parents=True)
    (host / "sub").mkdir()
    (path / "evil").symlink_to("../host")
    return path


@contextmanager
def attacker(image):
    process = subprocess.Popen(
        [sys.executable, "-c", ATTACKER, str(image)], stdout=subprocess.PIPE
    )
    try:
        assert process.stdout.readline() == b"ready\n"
        yield
        assert process.poll() is None, "the attacker died: no race was run"
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def files(directory):
    return [path for path in directory.rglob("*") if not path.is_dir()]


def swap(image):
    exchange(image / "boot", image / "evil")


@contextmanager
def swapping_at(image, *seams):
    """Swap before the system calls of these numbers that the block makes."""
    calls = count()

    def seam(frame, event, what):
        by_os = event == "c_call" and what.__module__ == "posix"
        by_libc = event == "call" and frame.f_code.co_filename == libc.__file__
        if (by_os or by_libc) and next(calls) in seams:
            swap(image)

    sys.setprofile(seam)
    try:
        yield calls
    finally:
        sys.setprofile(None)
        if (image / "boot").is_symlink():
            swap(image)


def write(tree):
    tree.write("boot/sub/f", b"x")


def make(tree):
    tree.makedirs("boot/sub/new")


def remove(tree):
    tree.remove_tree("boot/sub/kept")


@pytest.mark.parametrize("act", [write, make, remove])
@pytest.mark.parametrize("use_openat2", RESOLVERS)
def test_nothing_leaves_the_image_wherever_the_swap_comes(
    image, host, use_openat2, act
):
    """Once, or there and back some calls later, before each system call of an act."""

    def tried(*seams):
        shutil.rmtree(image / "boot/sub")
        (image / "boot/sub/kept/deep").mkdir(parents=True)
        with (
            Beneath.open(image, use_openat2=use_openat2) as tree,
            swapping_at(image, *seams) as calls,
        ):
            try:
                act(tree)
            except (Refused, OSError):
                return False, next(calls)
            return True, next(calls)

    (host / "sub/kept/deep").mkdir(parents=True)
    done, seams = tried()
    assert done
    went = {tried(seam, *back)[0] for seam in range(seams) for back in ways_back(seam)}
    assert went == {True, False}
    assert {path.name for path in host.rglob("*")} == {"sub", "kept", "deep"}


@pytest.mark.parametrize("use_openat2", RESOLVERS)
def test_no_write_leaves_the_image(image, host, use_openat2, capsys):
    """The same as a race, which goes on until both sides of the swap were met."""
    written = refused = 0
    with attacker(image), Beneath.open(image, use_openat2=use_openat2) as tree:
        while written + refused < WRITES or min(written, refused) < MET:
            try:
                tree.write(f"boot/sub/{written % 50}", b"x")
                written += 1
            except (Refused, FileNotFoundError, NotADirectoryError):
                refused += 1
    assert files(host) == []
    with capsys.disabled():
        print(f"\nwrites in a race: {written} inside, {refused} refused, 0 out")


@pytest.mark.parametrize("use_openat2", RESOLVERS)
def test_no_removal_leaves_the_image(image, host, use_openat2):
    (host / "sub" / "kept").write_bytes(b"kept")
    with attacker(image), Beneath.open(image, use_openat2=use_openat2) as tree:
        for number in range(WRITES // 10):
            try:
                tree.makedirs(f"boot/sub/{number}/deep")
                tree.remove_tree(f"boot/sub/{number}")
                tree.remove_tree("boot/sub/kept")
            except (Refused, OSError):
                pass
    assert (host / "sub" / "kept").read_bytes() == b"kept"
    assert os.listdir(host / "sub") == ["kept"]


def test_control_a_realpath_check_loses_the_same_race(image, host):
    """What the tests above would see if look-up and use were two steps."""

    def careless():
        wanted = os.path.join(image, "boot", "sub", "f")
        if os.path.realpath(wanted).startswith(f"{image}/"):
            os.close(os.open(wanted, os.O_CREAT))

    for seam in range(50):
        with swapping_at(image, seam), suppress(OSError):
            careless()
    assert files(host) == [host / "sub" / "f"]
