"""The file system of one file that blocklog.py serves; alone in needing libfuse."""

import os
import stat
from collections.abc import Callable
from pathlib import Path

import fuse

Record = Callable[[int | None, bytes], None]  # where (None: a flush), what


class BlockFile(fuse.Operations):  # type: ignore[misc]  # fusepy has no types
    """The file system with the one file; it runs in a process of its own."""

    use_ns = True

    def __init__(self, name: str, image: bytes, record: Record) -> None:
        self._path = f"/{name}"
        self._image, self._record = bytearray(image), record

    def getattr(self, path: str, fh: int | None = None) -> dict[str, int]:
        """The root directory and the file."""
        if path == "/":
            return {"st_mode": stat.S_IFDIR | 0o755, "st_nlink": 2}
        if path != self._path:
            raise fuse.FuseOSError(2)
        mode, size = stat.S_IFREG | 0o600, len(self._image)
        return {"st_mode": mode, "st_nlink": 1, "st_size": size}

    def open(self, path: str, flags: int) -> int:
        """Nothing is kept per open file."""
        return 0

    def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
        """Blocks."""
        return bytes(self._image[offset : offset + size])

    def write(self, path: str, data: bytes, offset: int, fh: int) -> int:
        """Blocks; logged."""
        self._image[offset : offset + len(data)] = data
        self._record(offset, data)
        return len(data)

    def fsync(self, path: str, datasync: int, fh: int) -> int:
        """A flush; logged."""
        self._record(None, b"")
        return 0


def serve(operations: BlockFile, mountpoint: Path) -> None:
    """Serve the file in `mountpoint` until it is unmounted."""
    fuse.FUSE(
        operations,
        os.fspath(mountpoint),
        foreground=True,
        nothreads=True,
        big_writes=True,
        max_write=1 << 17,
    )
