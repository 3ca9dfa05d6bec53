"""The site's targets as this server sees them: opened, and judged against main."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from kpstore.errors import KpError, NotFound
from kpstore.loaders import registry
from kpstore.loaders.ipxe import network
from kpstore.loaders.menu import POLICY
from kpstore.targets.condition import judge
from kpstore.targets.observers import inputs_of
from kpstore.targets.spec import TargetSpec
from kpstore.targets.tftp.generation import Generation
from kpstore.targets.tftp.target import TftpTarget
from kpstore.targets.tree.target import TreeRendering, TreeTarget
from kpstore.targets.values import (
    Artifacts,
    Condition,
    FilePlan,
    Finding,
    Held,
    Identity,
    Leeway,
    Marker,
    Staged,
)

Publisher = TftpTarget | TreeTarget


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

    def identity(self) -> Identity | None:
        """Return whose target it says it is."""
        return self.publisher.identity() if self.publisher else None

    def marker(self) -> Marker | None:
        """Return what it says it serves."""
        return self.publisher.marker() if self.publisher else None

    def unfinished(self) -> bool:
        """Tell whether a switch began there and did not end."""
        return self.publisher is not None and self.publisher.unfinished()

    def damage(self) -> list[Finding]:
        """Name what keeps it from being judged: whose it is, or what is live."""
        return self.publisher.damage() if self.publisher else []

    def condition(
        self, subtree: Callable[[str], str | None], on_main: Callable[[str], bool]
    ) -> Condition:
        """Judge it against main; docs/architecture.md section 5 has the words."""
        inputs = partial(self.inputs, subtree)
        return judge(self.spec, self.site, self.publisher, inputs, on_main)

    def inputs(self, subtree: Callable[[str], str | None]) -> Mapping[str, str]:
        """Return the ids of all that its rendering is made of, by path."""
        return inputs_of(self.spec, subtree)

    def ahead_of(self, main: str) -> str:
        """Say what it is that kp leaves alone here; `main` names main's commit."""
        found, marker = self.identity(), self.marker()
        if found and (found.site, found.target) != (self.site, self.name):
            what = f"it is target {found.target} of site {found.site}"
        elif marker:
            of = f" of site {marker.site}" if marker.site != self.site else ""
            what = f"it serves r{marker.revision} {marker.commit[:12]}{of}"
        else:
            what = "it serves nothing that can be read"
        return f"{what}, main is {main}: kp publish {self.name} --force, if it may go"

    def plan(self, made: Generation | TreeRendering) -> FilePlan:
        """Name the files that publishing a rendering would write and remove."""
        if isinstance(self.publisher, TftpTarget) and isinstance(made, Generation):
            return self.publisher.plan(made)
        if isinstance(self.publisher, TreeTarget) and isinstance(made, TreeRendering):
            return self.publisher.plan(made)
        raise TypeError(f"target {self.name} can't take this rendering")

    def stage(self, made: Generation | TreeRendering, leeway: Leeway) -> Staged:
        """Stage a rendering beside what is live."""
        if isinstance(self.publisher, TftpTarget) and isinstance(made, Generation):
            return self.publisher.stage(made, leeway)
        if isinstance(self.publisher, TreeTarget) and isinstance(made, TreeRendering):
            return self.publisher.stage(made, leeway)
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
            return self.publisher.adopt(found)
        return []

    def as_drawn(
        self, made: Generation | TreeRendering, *, deep: bool
    ) -> Generation | TreeRendering | None:
        """Return a rendering with what is live in place of what it draws.

        None where what is live isn't whole.
        """
        if isinstance(self.publisher, TftpTarget) and isinstance(made, Generation):
            return self.publisher.as_drawn(made, own=deep)
        if isinstance(self.publisher, TreeTarget) and isinstance(made, TreeRendering):
            return self.publisher.as_drawn(made)
        return None

    def held(self) -> Held | None:
        """Return what lies there that somebody may need; None: it can't be asked."""
        try:
            there = self.publisher is not None and self.identity() is not None
            return self.publisher.held() if self.publisher and there else None
        except (KpError, OSError):
            return None

    def reclaim(self, found: Path) -> bool:
        """Adopt an image tree whose identity is lost and whose marker is ours.

        For a rollback alone: anybody else is told to adopt it.
        """
        if not isinstance(self.publisher, TreeTarget) or self.publisher.identity():
            return False
        if not self.publisher.is_marked():
            return False
        self.publisher.adopt(found)
        return True

    def lost(self) -> str:
        """Say how one that is there, and says no longer whose it is, becomes ours."""
        if self.identity() or not (found := self.damage()):
            return ""
        paths = ", ".join(each.path for each in found)
        return f"{paths} can't be trusted: kp target adopt {self.name}"

    def originals_kept(self) -> Mapping[str, str]:
        """Return path -> SHA-256 of the foreign files that kp replaced."""
        if isinstance(self.publisher, TreeTarget):
            return self.publisher.originals_kept()
        return {}

    def retire(self, artifacts: Artifacts) -> list[Finding]:
        """Leave a target that is no longer the site's; return what stays of kp's.

        An image tree gets its own loader files back; one that can't be reached keeps
        kp's. A TFTP root goes on serving what it serves: nodes that boot now must find
        something. Both can be added again, by any name.
        """
        if isinstance(self.publisher, TftpTarget):
            return self.publisher.retire()
        if not isinstance(self.publisher, TreeTarget):
            return []
        found, kept = self.publisher.identity(), self.originals_kept().items()
        if found and (found.site, found.target) != (self.site, self.name):
            return []
        try:
            originals = {p: artifacts.path(sha).read_bytes() for p, sha in kept}
        except NotFound:
            return self.publisher.left(artifacts)
        return (
            self.publisher.remove(originals)
            if found
            else self.publisher.left(artifacts)
        )


def open_target(
    spec: TargetSpec,
    site: str,
    root: Path | None,
    artifacts: Artifacts,
    remembered: Mapping[str, str],
) -> SiteTarget:
    """Open a target at its path on this server; None: it has none here.

    `remembered`: what an image tree's foreign files were, for one that lost its record.
    """
    publisher: Publisher | None = None
    if root is not None and spec.kind == "image":
        publisher = TreeTarget(
            root,
            spec.name,
            site,
            spec.image or "",
            artifacts=artifacts,
            replace=spec.replace,
            remembered=remembered,
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
                loader: registry.network(loader).write_menu(POLICY)
                for loader in spec.loaders
            },
            boot_script=network.write_default(spec.prefix)
            if "ipxe" in spec.loaders
            else None,
        )
    return SiteTarget(spec, site, publisher)
