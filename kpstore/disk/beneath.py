"""Reading and writing below a directory whose content is not trusted.

Whoever is root in an image controls its links, so no call here takes a path
that the kernel would resolve outside: look-ups go through
`kpstore.disk.resolve`, changes by directory descriptors and last components
that are never followed. Links inside an image mean what they mean to its own
processes: `/boot -> /usr/boot` leads to the image's `usr/boot`.

Every change is durable when its method returns. OSErrors leave this module raw,
naming the image's path.
"""

import os
import stat
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Self

from kpstore.disk import sharing
from kpstore.disk.descriptors import (
    DIRECTORY,
    about,
    closing,
    copy_all,
    create,
    is_stale,
    make_directory,
    opened_source,
    reopen_file,
    sync_directory_fd,
    temp_name,
    write_all,
)
from kpstore.disk.exchange import exchange
from kpstore.disk.resolve import LinkLoop, Resolver, resolver
from kpstore.disk.tree import Found, remove_tree_at, walk_at
from kpstore.errors import Refused


class Beneath:
    """A directory, usually an image tree; paths are relative, POSIX, without `..`."""

    def __init__(self, root: Path, directory: int, resolve: Resolver) -> None:
        self._root = root
        self._directory = directory
        self._resolve = resolve

    @classmethod
    def open(cls, root: Path, *, use_openat2: bool | None = None) -> Self:
        """Open `root`, whose own path is trusted.

        Raises OSError, also when openat2 is demanded where there is none.
        """
        with about(root):
            directory = os.open(root, DIRECTORY)
            try:
                return cls(root, directory, resolver(directory, use_openat2))
            except OSError:
                os.close(directory)
                raise

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Close the root."""
        os.close(self._directory)

    # --- looking

    def exists(self, rel: str) -> bool:
        """Tell whether `rel` leads to anything; a dangling or circular link doesn't."""
        return self._mode(rel) is not None

    def is_dir(self, rel: str) -> bool:
        """Tell whether `rel` leads to a directory."""
        return stat.S_ISDIR(self._mode(rel) or 0)

    def is_file(self, rel: str) -> bool:
        """Tell whether `rel` leads to a regular file."""
        return stat.S_ISREG(self._mode(rel) or 0)

    def stat(self, rel: str) -> os.stat_result:
        """Look at the name itself: a last link is not followed."""
        with self._place(rel) as (directory, name):
            return os.stat(name, dir_fd=directory, follow_symlinks=False)

    def readlink(self, rel: str) -> str:
        """Read a link's text."""
        with self._place(rel) as (directory, name):
            return os.readlink(name, dir_fd=directory)

    def names(self, rel: str) -> list[str]:
        """List a directory, sorted."""
        with self._opened(rel) as directory:
            return sorted(os.listdir(directory))

    def walk(self, rel: str) -> Iterator[Found]:
        """Name all that is below a directory, parents first; links are not followed.

        Raises Refused where directories are nested deeper than any real tree's.
        """
        with self._opened(rel) as directory:
            yield from walk_at(directory, "".join(f"{part}/" for part in _parts(rel)))

    # --- reading

    def open_read(self, rel: str) -> BinaryIO:
        """Open a regular file for reading.

        Anything else (FIFO, device, directory) is Refused without being opened.
        Hard links are allowed, so the bytes may be shared with a name outside:
        never write to what this returns by another way. Needs /proc.
        """
        shown = self._shown(rel)
        with about(shown), closing(self._found(rel)) as found:
            return os.fdopen(reopen_file(found, shown), "rb")

    def read(self, rel: str, limit: int | None) -> bytes:
        """Read a regular file; Refused when it has more than `limit` bytes."""
        with self.open_read(rel) as file:
            data = file.read(-1 if limit is None else limit + 1)
        if limit is not None and len(data) > limit:
            text = f"{self._shown(rel)} is longer than {limit} bytes"
            raise Refused(text, hint="is it the file that is meant?")
        return data

    # --- changing

    def makedirs(self, rel: str, mode: int = 0o755) -> None:
        """Make a directory and its missing parents, each with `mode`.

        Raises Refused at a link that leads nowhere inside the image.
        """
        parts = _parts(rel)
        for depth in range(1, len(parts) + 1):
            path = "/".join(parts[:depth])
            if not self.is_dir(path):
                self._refuse_lost_link(path)
                with self._changing(path) as (directory, name):
                    make_directory(name, mode, directory, place=self._shown(path))
            elif not self._has_entries(path):
                # Its maker may have been killed before its name was durable.
                self.sync("/".join(parts[: depth - 1]))

    def write(self, rel: str, data: bytes, *, mode: int = 0o644) -> None:
        """Replace the name `rel` by a new file: never its bytes, never its target."""
        self._replace(rel, mode, lambda temp: write_all(temp, data))

    def copy_in(self, rel: str, source: Path, *, mode: int = 0o444) -> None:
        """Replace `rel` by a copy (or reflink) of a regular file of a trusted path."""
        with opened_source(source) as original:
            self._replace(rel, mode, lambda temp: copy_all(original, temp))

    def rename(self, rel_from: str, rel_to: str) -> None:
        """Rename inside the image; an existing file is replaced."""
        with self._places(rel_from, rel_to) as (old, old_name, new, new_name):
            os.rename(old_name, new_name, src_dir_fd=old, dst_dir_fd=new)

    def exchange(self, first: str, second: str) -> None:
        """Let two names change places in one step."""
        with self._places(first, second) as (one, one_name, two, two_name):
            exchange(
                Path(one_name), Path(two_name), first_dir_fd=one, second_dir_fd=two
            )

    def remove(self, rel: str) -> None:
        """Remove a file or a link itself; missing is fine."""
        with self._changing(rel) as (directory, name), suppress(FileNotFoundError):
            os.unlink(name, dir_fd=directory)

    def remove_directory(self, rel: str) -> None:
        """Remove an empty directory; missing is fine, OSError when it isn't empty."""
        with self._changing(rel) as (directory, name), suppress(FileNotFoundError):
            os.rmdir(name, dir_fd=directory)

    def remove_tree(self, rel: str) -> None:
        """Remove a directory with all in it, or a file; missing is fine.

        It leaves its name first, durably, and is never seen half removed.
        """
        temp = temp_name()
        with self._place(rel) as (directory, name):
            try:
                os.rename(name, temp, src_dir_fd=directory, dst_dir_fd=directory)
            except FileNotFoundError:
                return
            sync_directory_fd(directory)
            remove_tree_at(temp, directory)

    def sweep_temporaries(self, rel: str) -> list[str]:
        """Remove temps of dead processes right in one directory; name them."""
        with self._opened(rel) as directory:
            stale = [name for name in sorted(os.listdir(directory)) if is_stale(name)]
            for name in stale:
                remove_tree_at(name, directory)
        return stale

    def sync(self, rel: str) -> None:
        """Make the names in one directory durable."""
        with self._opened(rel) as directory:
            sync_directory_fd(directory)

    # --- how

    def _shown(self, rel: str) -> str:
        return f"{self._root}/{rel}"

    def _look_up(self, rel: str) -> int:
        path = "/".join(_parts(rel)) or "."
        return self._resolve(self._directory, path, str(self._root))

    def _found(self, rel: str) -> int:
        try:
            return self._look_up(rel)
        except FileNotFoundError:
            self._refuse_lost_link(rel)
            raise

    def _refuse_lost_link(self, rel: str) -> None:
        """Raise Refused if `rel` ends at a link that leads nowhere in the image."""
        parts = _parts(rel)
        paths = ("/".join(parts[:depth]) for depth in range(1, len(parts) + 1))
        lost = next((path for path in paths if not self.exists(path)), rel)
        with suppress(OSError):
            text = self.readlink(lost)
            raise Refused(
                f"{self._shown(lost)} is a link to {text}, which is not in the image",
                hint="the image's owner must mend that link",
            )

    def _mode(self, rel: str) -> int | None:
        try:
            with about(self._shown(rel)), closing(self._look_up(rel)) as found:
                return os.fstat(found).st_mode
        except (FileNotFoundError, NotADirectoryError, LinkLoop):
            return None

    @contextmanager
    def _opened(self, rel: str) -> Iterator[int]:
        with (
            about(self._shown(rel)),
            closing(self._found(rel)) as found,
            closing(os.open(".", DIRECTORY, dir_fd=found)) as directory,
        ):
            yield directory

    def _has_entries(self, rel: str) -> bool:
        with self._opened(rel) as directory, os.scandir(directory) as entries:
            return next(entries, None) is not None

    @contextmanager
    def _place(self, rel: str) -> Iterator[tuple[int, str]]:
        *parents, name = _parts(rel) or [""]
        if not name:
            raise Refused(f"{self._root}: the root itself can't be changed so")
        with about(self._shown(rel)), self._opened("/".join(parents)) as directory:
            yield directory, name

    @contextmanager
    def _changing(self, rel: str) -> Iterator[tuple[int, str]]:
        with self._place(rel) as (directory, name):
            yield directory, name
            sync_directory_fd(directory)

    @contextmanager
    def _places(self, first: str, second: str) -> Iterator[tuple[int, str, int, str]]:
        with self._place(first) as (one, one_name), self._place(second) as place:
            two, two_name = place
            yield one, one_name, two, two_name
            sync_directory_fd(two)
            if not os.path.sameopenfile(one, two):
                sync_directory_fd(one)

    def _replace(self, rel: str, mode: int, fill: Callable[[int], None]) -> None:
        with self._changing(rel) as (directory, name):
            temp = temp_name()
            with closing(create(temp, directory)) as file:
                try:
                    fill(file)
                    sharing.finish(file, mode, self._shown(rel))
                    os.fsync(file)
                    os.rename(temp, name, src_dir_fd=directory, dst_dir_fd=directory)
                except BaseException:
                    with suppress(OSError):
                        os.unlink(temp, dir_fd=directory)
                    raise


def _parts(rel: str) -> list[str]:
    parts = [part for part in rel.split("/") if part not in {"", "."}]
    if ".." in parts or rel.startswith("/") or "\0" in rel:
        raise Refused(f"{rel!r} is not a path inside an image: relative, without '..'")
    return parts
