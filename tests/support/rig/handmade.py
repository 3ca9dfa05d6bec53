"""A TFTP target written by hand, laid out as kp's publisher lays it out.

It stands in for the publisher where the rig itself is under test, so it knows of
no kpstore module and takes menus as text. Links are relative, modes world-readable.
"""

import hashlib
import os
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Tree:
    """A TFTP root with one generation live and perhaps a second one staged."""

    root: Path

    @property
    def _first(self) -> Path:
        return self.root / "kp" / "generations" / "000001-0123456789ab"

    @property
    def _second(self) -> Path:
        return self.root / "kp" / "generations" / "000002-abcdef012345"

    def create(self) -> "Tree":
        for folder in ("pxelinux.cfg", "grub", "ipxe", "kp/menus", "kp/shards"):
            (self.root / folder).mkdir(parents=True)
        self._first.mkdir(parents=True)
        # pytest's own folders are private; in.tftpd serves as nobody.
        self.root.chmod(0o755)
        live = self.root / "kp" / "live"
        live.symlink_to(self._first.relative_to(live.parent))
        return self

    def add_generation(self, templates: dict[str, dict[str, str]]) -> None:
        """Stage a second generation: menus by template and loader."""
        self._second.mkdir()
        for template, menus in templates.items():
            self._add(self._second / template, "menus", menus)

    def switch(self) -> None:
        """Make the second generation live by one rename."""
        new = self.root / "kp" / "live.new"
        new.symlink_to(self._second.relative_to(new.parent))
        new.replace(self.root / "kp" / "live")

    def add_object(self, name: str, data: bytes) -> str:
        """Put content there; returns the path that a menu names it by."""
        digest = hashlib.sha256(data).hexdigest()
        folder = self.root / "kp" / "objects" / digest
        folder.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)
        return f"/kp/objects/{digest}/{name}"

    def add_template(self, template: str, menus: dict[str, str]) -> None:
        """A template's menus by loader; also reachable through `+/<template>`."""
        self._add(self._first / template, "menus", menus)
        moving = self._first / "+" / template
        moving.parent.mkdir(exist_ok=True)
        moving.symlink_to(Path("..") / template)

    def add_shard(self, shard: str, files: dict[str, str]) -> None:
        """Nodes' own files, reachable as `/kp/live/~<shard>/<name>`."""
        self._add(self._first / f"~{shard}", "shards", files)

    def link(self, entry_point: str, place: str) -> None:
        """Let an entry point (`pxelinux.cfg/01-...`) lead to `place` below live."""
        path = self.root / entry_point
        path.unlink(missing_ok=True)
        path.symlink_to(Path("..") / "kp" / "live" / place)

    def write(self, path: str, text: str) -> None:
        """A plain file, such as the policy for unknown nodes."""
        (self.root / path).write_text(text)

    def _add(self, link: Path, kind: str, files: dict[str, str]) -> None:
        digest = hashlib.sha256(repr(sorted(files.items())).encode()).hexdigest()
        folder = self.root / "kp" / kind / digest
        folder.mkdir(exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text)
        link.symlink_to(os.path.relpath(folder, link.parent))
