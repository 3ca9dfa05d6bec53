"""The site's targets as this server sees them: opened, and judged against main.

Free of models, so that `kp status` can judge targets without them.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kpstore.loaders import dialects, ipxe
from kpstore.loaders.menu import POLICY
from kpstore.publish.generation import Generation
from kpstore.publish.target import (
    Artifacts,
    Condition,
    FilePlan,
    Finding,
    Marker,
    Staged,
)
from kpstore.publish.tftp import TftpTarget
from kpstore.publish.tree import TreeRendering, TreeTarget

Publisher = TftpTarget | TreeTarget


@dataclass(frozen=True)
class TargetSpec:
    """What a target's document says, in plain values."""

    name: str
    kind: str
    loaders: tuple[str, ...]
    image: str | None
    enabled: bool
    prefix: str
    grub_dir: str
    replace: bool

    @classmethod
    def of(cls, name: str, fields: Mapping[str, Any]) -> "TargetSpec":
        """Take it from a document's fields, read as JSON or dumped from a model."""
        return cls(
            name=name,
            kind=fields["kind"],
            loaders=tuple(fields["loaders"]),
            image=fields["image"],
            enabled=fields["enabled"],
            prefix=fields["options"]["prefix"],
            grub_dir=fields["options"]["grub_dir"],
            replace=fields["options"]["replace"],
        )

    def inputs(self, subtree: Callable[[str], str | None]) -> dict[str, str]:
        """Return the ids of all that the target's rendering is made of.

        Where they are equal in two commits, so is every byte that is served.
        """
        paths = ["site.json", f"targets/{self.name}.json"]
        if self.kind == "image":
            paths.append(f"images/{self.image}")
        else:
            paths += ["images", "nodes", "groups"]
        return {path: subtree(path) or "" for path in paths}


@dataclass(frozen=True)
class SiteTarget:
    """One target; `publisher` is None where this server has no path for it."""

    spec: TargetSpec
    site: str
    publisher: Publisher | None

    @property
    def name(self) -> str:
        """Return the target's name."""
        return self.spec.name

    def marker(self) -> Marker | None:
        """Return what it says it serves."""
        return self.publisher.marker() if self.publisher else None

    def condition(
        self, subtree: Callable[[str], str | None], on_main: Callable[[str], bool]
    ) -> Condition:
        """Judge it against main; architecture.md section 4 has the words."""
        identity = self.publisher.identity() if self.publisher else None
        if self.publisher is None or identity is None:
            return "absent"
        marker = self.publisher.marker()
        ours = (identity.site, identity.target) == (self.site, self.name)
        if not ours or (marker and not self._is_past(marker, on_main)):
            return "ahead"
        if identity.hold:
            return "on hold"
        if marker is None or self.publisher.unfinished():
            return "lagging"
        return "live" if marker.inputs == self.spec.inputs(subtree) else "lagging"

    def plan(self, made: Generation | TreeRendering) -> FilePlan:
        """Name the files that publishing a rendering would write and remove."""
        if isinstance(self.publisher, TftpTarget) and isinstance(made, Generation):
            return self.publisher.plan(made)
        if isinstance(self.publisher, TreeTarget) and isinstance(made, TreeRendering):
            return self.publisher.plan(made)
        raise TypeError(f"target {self.name} can't take this rendering")

    def stage(self, made: Generation | TreeRendering) -> Staged:
        """Stage a rendering beside what is live."""
        if isinstance(self.publisher, TftpTarget) and isinstance(made, Generation):
            return self.publisher.stage(made)
        if isinstance(self.publisher, TreeTarget) and isinstance(made, TreeRendering):
            return self.publisher.stage(made)
        raise TypeError(f"target {self.name} can't take this rendering")

    def verify(self, made: Generation | TreeRendering, *, deep: bool) -> list[Finding]:
        """Compare the target with a complete rendering of what it serves."""
        if isinstance(self.publisher, TftpTarget) and isinstance(made, Generation):
            return self.publisher.verify(made, deep=deep)
        if isinstance(self.publisher, TreeTarget) and isinstance(made, TreeRendering):
            return self.publisher.verify(made, deep=deep)
        raise TypeError(f"target {self.name} can't take this rendering")

    def repair(self, made: Generation | TreeRendering, found: Path) -> list[Finding]:
        """Make the target equal a complete rendering; what others changed: `found`."""
        if isinstance(self.publisher, TftpTarget) and isinstance(made, Generation):
            return self.publisher.repair(made, found)
        if isinstance(self.publisher, TreeTarget) and isinstance(made, TreeRendering):
            return self.publisher.repair(made, found)
        raise TypeError(f"target {self.name} can't take this rendering")

    def adopt(self, found: Path) -> list[str]:
        """Make it this site's own, whoever's it was; return what was set aside."""
        if isinstance(self.publisher, TftpTarget):
            return self.publisher.adopt(found)
        if isinstance(self.publisher, TreeTarget):
            self.publisher.adopt()
        return []

    def originals_kept(self) -> Mapping[str, str]:
        """Return path -> SHA-256 of the foreign files that kp replaced."""
        if isinstance(self.publisher, TreeTarget) and self.publisher.identity():
            return self.publisher.originals_kept()
        return {}

    def retire(self, artifacts: Artifacts) -> list[Finding]:
        """Leave a target that is no longer the site's; return what stays of kp's.

        An image tree gets its own loader files back. A TFTP root goes on serving
        what it serves: nodes that boot now must find something.
        """
        if isinstance(self.publisher, TreeTarget) and self.publisher.identity():
            kept = self.originals_kept().items()
            originals = {p: artifacts.path(sha).read_bytes() for p, sha in kept}
            return self.publisher.remove(originals)
        return []

    def _is_past(self, marker: Marker, on_main: Callable[[str], bool]) -> bool:
        return marker.site == self.site and on_main(marker.commit)


def open_target(
    spec: TargetSpec, site: str, root: Path | None, artifacts: Artifacts
) -> SiteTarget:
    """Open a target at its path on this server; None: it has none here."""
    publisher: Publisher | None = None
    if root is not None and spec.kind == "image":
        publisher = TreeTarget(
            root,
            spec.name,
            site,
            spec.image or "",
            artifacts=artifacts,
            replace=spec.replace,
        )
    elif root is not None:
        publisher = TftpTarget(
            root,
            spec.name,
            site,
            spec.loaders,
            prefix=spec.prefix,
            grub_dir=spec.grub_dir,
            artifacts=artifacts,
            policy={
                loader: dialects.network(loader).write_menu(POLICY)
                for loader in spec.loaders
            },
            boot_script=ipxe.boot_script(spec.prefix)
            if "ipxe" in spec.loaders
            else None,
        )
    return SiteTarget(spec, site, publisher)
