"""A TFTP server in a chroot, emulated: one quiet tree, each name looked at once."""

import os
import stat
from dataclasses import dataclass, field
from pathlib import Path

_LONGEST = 40  # links on the way to a file: the kernel's own limit


@dataclass
class Chroot:
    """Serves files below `root` as tftpd-hpa does with --secure.

    `..` at the root stays there; an absolute link starts at the root, so kp's may
    not be one. What others may not read or enter is an error (AssertionError).
    """

    root: Path
    _links: dict[str, str | None] = field(default_factory=dict)  # None: no link
    _files: dict[str, bytes | None] = field(default_factory=dict)

    def fetch(self, path: str) -> bytes | None:
        """Return a file's bytes, None if it is not there."""
        here: list[str] = []
        todo = path.split("/")[::-1]
        links = 0
        while todo:
            part = todo.pop()
            if part in ("", "."):
                continue
            if part == "..":
                here = here[:-1]
                continue
            try:
                text = self._link("/".join([*here, part]))
            except (FileNotFoundError, NotADirectoryError):
                return None
            if text is None:
                here.append(part)
                continue
            links += 1
            assert not text.startswith("/") and links < _LONGEST, f"{path}: {text}"
            todo += text.split("/")[::-1]
        return self._read("/".join(here))

    def _link(self, path: str) -> str | None:
        if path not in self._links:
            full = f"{self.root}/{path}"
            mode = os.lstat(full).st_mode
            is_link = stat.S_ISLNK(mode)
            needed = 0o001 if stat.S_ISDIR(mode) else 0o004
            assert is_link or mode & needed, f"{path} is not for others: {mode:o}"
            self._links[path] = os.readlink(full) if is_link else None
        return self._links[path]

    def _read(self, path: str) -> bytes | None:
        if path not in self._files:
            full = Path(f"{self.root}/{path}")
            self._files[path] = full.read_bytes() if full.is_file() else None
        return self._files[path]
