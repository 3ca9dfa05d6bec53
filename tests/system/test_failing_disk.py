"""A disk that fails to write: one flush of the file system tells, on a real ext4.

The disk is a sparse image in a tmpfs that is too small for it: writes of the loop
device fail with EIO once the tmpfs is full, after write(2) said that all was well.
"""

import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kpstore.disk import volumes
from kpstore.disk.durable import Batch
from support.crash.mounts import mounted_image, mounted_tmpfs, private_namespace
from support.crash.parallel import in_processes
from support.crash.trees import scratch

pytestmark = pytest.mark.system
_MKFS = ["mkfs.ext4", "-q", "-F", "-J", "size=4"]
_OPTIONS = ["-E", "lazy_itable_init=0,lazy_journal_init=0"]


def test_what_the_disk_did_not_take_is_not_committed() -> None:
    assert in_processes(1, lambda _: _refused(3000)) == ["Input/output error, 0 named"]


def test_what_it_took_is() -> None:
    assert in_processes(1, lambda _: _refused(300)) == ["300 named"]


def test_it_was_the_one_flush_that_told() -> None:
    def told(_: int) -> str:
        volumes.Volumes.sync = lambda self: None  # type: ignore[method-assign]
        return _refused(3000)

    assert in_processes(1, told) != ["Input/output error, 0 named"]


def _refused(count: int) -> str:
    """Commit files of 8 KiB on a disk of 24 MiB; say what became of them."""
    private_namespace()
    with scratch() as where, _disk(where) as disk:
        names = [disk / f"f{number}" for number in range(count)]
        said = ""
        try:
            with Batch() as batch:
                for name in names:
                    batch.file(name, os.urandom(8192))
                batch.commit()
        except OSError as error:
            said = f"{os.strerror(error.errno or 0)}, "
        return f"{said}{sum(name.exists() for name in names)} named"


@contextmanager
def _disk(where: Path) -> Iterator[Path]:
    small, disk = where / "small", where / "disk"
    small.mkdir()
    disk.mkdir()
    with mounted_tmpfs(small, "size=24m"), (small / "image").open("w+b") as image:
        image.truncate(256 << 20)
        subprocess.run([*_MKFS, *_OPTIONS, small / "image"], check=True)
        with mounted_image(image.fileno(), disk):
            yield disk
