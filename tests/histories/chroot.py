"""Files as a server gives them that knows nothing above its root: a chrooted tftpd."""

import hashlib
import os
from dataclasses import dataclass, field
from pathlib import Path

_LINKS = 32


@dataclass
class Chroot:
    """One root; `through` counts how often the last look-up passed each link."""

    root: Path
    through: list[str] = field(default_factory=list)

    def find(self, path: str) -> str | None:
        """Where a path leads to, every link resolved below the root; None: nowhere."""
        self.through.clear()
        top, done = os.fspath(self.root), list[str]()
        rest = [part for part in reversed(path.split("/")) if part]
        while rest:
            part = rest.pop()
            if part in (".", ".."):
                done = done[:-1] if part == ".." else done
                continue
            here = "/".join((top, *done, part))
            try:
                text = os.readlink(here)
            except FileNotFoundError:
                return None
            except OSError:  # no link
                done.append(part)
                continue
            self.through.append(part)
            if len(self.through) > _LINKS:
                return None
            done = [] if text.startswith("/") else done
            rest += [each for each in reversed(text.split("/")) if each]
        return "/".join((top, *done))

    def read(self, path: str) -> bytes | None:
        """The bytes of a regular file; None where there is none."""
        found = self.find(path)
        if found is None or not os.path.isfile(found):
            return None
        return Path(found).read_bytes()

    def digest(self, path: str) -> str:
        """The SHA-256 of a file, or a word that no file has."""
        data = self.read(path)
        return "nothing there" if data is None else hashlib.sha256(data).hexdigest()
