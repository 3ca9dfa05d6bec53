"""What nodes get that the site doesn't know: the default files of each loader."""

import os
from collections.abc import Collection, Iterator, Mapping
from pathlib import Path

from kpstore.disk.durable import (
    make_directories,
    replace_link,
    sync_directory,
    write_file,
)
from kpstore.targets.tftp.format.layout import EntryNames, Layout
from kpstore.targets.tftp.format.links import link_text, read_file
from kpstore.targets.tftp.generation import POLICY
from kpstore.targets.values import Finding

_READABLE = 0o004
# A line of a script of kp's starts so, among the first three.
SCRIPT_MARKS = (b"# Written by kp", b"# kp")


class Defaults:
    """`pxelinux.cfg/default`, GRUB's `grub.cfg`, `ipxe/boot.ipxe`.

    The first two are links to the policy's menu; the third is one of the `scripts`, by
    loader: a file that goes on to the node's entry point, else to the policy. A foreign
    file in their place is kept and reported until the administrator adopts the name.
    """

    def __init__(self, layout: Layout, scripts: Mapping[str, bytes]) -> None:
        self._layout = layout
        self._scripts = scripts

    def ensure(self, *, drawn_before: bool = False) -> None:
        """Make those that are absent, and draw kp's own script anew.

        Not where the script is another version's that is live: `drawn_before`.
        """
        for names in self._layout.entries:
            folder = self._layout.path(names.folder)
            make_directories(folder, temps=self._layout.base)
            kind = self._kind(names)
            if kind in ("missing", "mode") or (kind == "changed" and not drawn_before):
                self.put(names)

    def findings(
        self, kept: Collection[str], *, drawn_before: bool
    ) -> Iterator[Finding]:
        """Report what is absent or in the way; `kept` were there before kp.

        `drawn_before`: the script may be another version's.
        """
        for names in self._layout.entries:
            name, kind = names.default_path, self._kind(names)
            if kind == "foreign" and name in kept:
                yield Finding(name, "kept", "not kp's: kp target adopt takes it over")
            elif kind and not (drawn_before and kind == "changed"):
                yield Finding(name, kind)

    def foreign(self) -> tuple[str, ...]:
        """Return the paths that are taken by files that aren't kp's."""
        entries = self._layout.entries
        return tuple(n.default_path for n in entries if self._kind(n) == "foreign")

    def put(self, names: EntryNames) -> None:
        """Replace one, whatever is there."""
        path = self.path(names)
        if names.loader in self._scripts:
            write_file(path, self._scripts[names.loader])
            return
        replace_link(path, self._link(names))
        sync_directory(path.parent)

    def path(self, names: EntryNames) -> Path:
        """Return where a loader's default is."""
        return self._layout.path(names.default_path)

    def _link(self, names: EntryNames) -> str:
        return f"{names.live}{POLICY}/{names.loader}"

    def _kind(self, names: EntryNames) -> str:
        path = self.path(names)
        text = link_text(path)
        if text is None:
            return "missing"
        if names.loader in self._scripts:
            script = self._scripts[names.loader]
            return "foreign" if text else _script_kind(path, script)
        return "" if text == self._link(names) else "foreign"


def _script_kind(path: Path, script: bytes) -> str:
    try:
        data = read_file(path)
    except (ValueError, PermissionError):
        return "foreign"
    if data == script:
        return "" if os.lstat(path).st_mode & _READABLE else "mode"
    ours = any(line.startswith(SCRIPT_MARKS) for line in data.split(b"\n")[:3])
    return "changed" if ours else "foreign"
