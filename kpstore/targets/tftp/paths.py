"""Where a TFTP target keeps what menus name, and how loaders ask for it."""

from typing import NamedTuple

from kpstore.loaders import registry
from kpstore.loaders.boot_menu import File, files_of
from kpstore.model.boot import Boot
from kpstore.targets.tftp.format.layout import LIVE, OBJECTS, place_of
from kpstore.targets.values import ObjectFile


class TftpPaths(NamedTuple):
    """A TFTP target; `prefix` is kp's root below the TFTP root."""

    prefix: str = ""

    def place(self, file: File) -> str:
        """Return the path below kp's root: `kp/objects/<sha256>/<name>`."""
        return f"{OBJECTS}/{file.sha256}/{file.name}"

    def objects(self, boot: Boot | None) -> list[ObjectFile]:
        """Return the artifacts that a boot's menu names, where they lie."""
        files = files_of(boot) if boot else ()
        return [ObjectFile(file.sha256, file.size, self.place(file)) for file in files]

    def seen(self, boot: Boot | None) -> dict[File, str]:
        """Return the absolute paths by which a loader asks for a boot's files."""
        files = files_of(boot) if boot else ()
        return {file: f"{self.root}/{self.place(file)}" for file in files}

    def menu(self, template: str, loader: str) -> str:
        """Return the path by which a node's own file goes on to its template's menu."""
        return f"{self.root}/{LIVE}/{place_of(template)}/{loader}"

    @property
    def root(self) -> str:
        """Return kp's root as a loader sees it: empty, or `/<prefix>`."""
        return f"/{self.prefix}" if self.prefix else ""

    def of(self, loader: str) -> "TftpPaths":
        """Return the paths as a loader asks for them.

        Some look below the folder that they were loaded from: kp's root, for they
        find their menus there.
        """
        return TftpPaths() if registry.network(loader).from_own_folder else self
