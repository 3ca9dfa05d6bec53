"""Path look-up that can't leave a directory, whoever changes what is in it.

Both resolvers read a link the way a process chrooted to the root would: an
absolute target starts at the root, `..` stops there. `by_kernel` is openat2
with RESOLVE_IN_ROOT (Linux 5.6); `by_walk` opens one component at a time by its
parent's descriptor, never following, and reads links by hand. A race against
someone who swaps directories and links can change which place inside is found,
never lead outside.

Both return an O_PATH descriptor and raise OSError (ENOENT, ENOTDIR) or LinkLoop.
"""

import errno
import os
import stat
from collections.abc import Callable

from kpstore.disk.libc import open_beneath
from kpstore.errors import Refused

Resolver = Callable[[int, str, str], int]

_IN_ROOT = 0x10  # linux/openat2.h
_NO_MAGICLINKS = 0x02
_UNAVAILABLE = {errno.ENOSYS, errno.EPERM}  # EPERM: seccomp of older containers
_UNSURE = {errno.ELOOP, errno.EXDEV, errno.EAGAIN}
_ATTEMPTS = 16
_MAX_LINKS = 40  # as the kernel
_O_PATH = os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC


class LinkLoop(Refused):
    """Links lead in a circle."""


def resolver(root: int, use_openat2: bool | None) -> Resolver:
    """Choose: by the kernel where it can, unless the caller says which.

    Raises OSError when openat2 is demanded and the kernel refuses it.
    """
    if use_openat2 is False:
        return by_walk
    try:
        os.close(open_beneath(root, ".", os.O_PATH, _IN_ROOT))
    except OSError as error:
        if use_openat2 or error.errno not in _UNAVAILABLE:
            raise
        return by_walk
    return by_kernel


def by_kernel(root: int, path: str, image: str) -> int:
    """Resolve by openat2; `image` is the root's name for messages."""
    for _ in range(_ATTEMPTS):
        try:
            return open_beneath(root, path, os.O_PATH, _IN_ROOT | _NO_MAGICLINKS)
        except OSError as error:
            if error.errno not in _UNSURE:
                raise
            if error.errno != errno.EAGAIN:
                break
    # A loop, or a race that the kernel gave up on. The walk names the link.
    return by_walk(root, path, image)


def by_walk(root: int, path: str, image: str) -> int:
    """Resolve component by component; `image` is the root's name for messages."""
    walk = _Walk(root, path, image)
    try:
        while walk.pending:
            walk.step(walk.pending.pop())
        return walk.arrive()
    finally:
        walk.close()


class _Walk:
    """The open directories from the root to where the walk is, and what is left."""

    def __init__(self, root: int, path: str, image: str) -> None:
        self.pending = path.split("/")[::-1]
        self._path = path
        self._image = image
        self._root = root
        self._below: list[int] = []
        self._links = 0

    def step(self, name: str) -> None:
        """Go one component on."""
        if name in {"", "."}:
            return
        if name == "..":
            # Back by our own descriptor: the directory may have been moved since.
            if self._below:
                os.close(self._below.pop())
            return
        self._below.append(os.open(name, _O_PATH, dir_fd=self._here()))
        kind = os.fstat(self._here()).st_mode
        if stat.S_ISLNK(kind):
            self._follow(name)
        elif self.pending and not stat.S_ISDIR(kind):
            raise NotADirectoryError(
                errno.ENOTDIR, os.strerror(errno.ENOTDIR), self._path
            )

    def arrive(self) -> int:
        """Hand over where the walk has come to."""
        if self._below:
            return self._below.pop()
        return os.open(".", _O_PATH, dir_fd=self._root)

    def close(self) -> None:
        """Close all that is still held."""
        while self._below:
            os.close(self._below.pop())

    def _here(self) -> int:
        return self._below[-1] if self._below else self._root

    def _follow(self, name: str) -> None:
        link = self._below.pop()
        try:
            text = os.readlink("", dir_fd=link)  # of the descriptor itself
        finally:
            os.close(link)
        self._links += 1
        if self._links > _MAX_LINKS:
            raise LinkLoop(
                f"{self._image}: {self._path} leads in a circle by the link "
                f"{name} -> {text}",
                hint="the image's owner must mend that link",
            )
        if text.startswith("/"):
            self.close()
        self.pending.extend(text.split("/")[::-1])
