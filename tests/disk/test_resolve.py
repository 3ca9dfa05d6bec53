"""The race: someone in the image swaps a directory and a link while we write."""

import os
import subprocess
import sys
from contextlib import contextmanager

import pytest

from kpstore.disk.beneath import Beneath
from kpstore.disk.exchange import exchange
from kpstore.errors import Refused
from support.openat2 import RESOLVERS

WRITES = 5000

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


@pytest.mark.parametrize("use_openat2", RESOLVERS)
def test_no_write_leaves_the_image(image, host, use_openat2, capsys):
    written = refused = 0
    with attacker(image), Beneath.open(image, use_openat2=use_openat2) as tree:
        for number in range(WRITES):
            try:
                tree.write(f"boot/sub/{number % 50}", b"x")
                written += 1
            except (Refused, FileNotFoundError, NotADirectoryError):
                refused += 1
    assert files(host) == []
    # Both sides of the swap were met, so the race did take place.
    assert written > WRITES // 100
    assert refused > WRITES // 100
    with capsys.disabled():
        print(
            f"\n{WRITES} writes in a race: {written} inside, {refused} refused, 0 out"
        )


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
    """What the two tests above would see if look-up and use were two steps."""
    wanted = os.path.join(image, "boot", "sub", "f")
    assert os.path.realpath(wanted).startswith(f"{image}/")
    exchange(image / "boot", image / "evil")
    with open(wanted, "wb") as file:
        file.write(b"x")
    assert files(host) == [host / "sub" / "f"]
