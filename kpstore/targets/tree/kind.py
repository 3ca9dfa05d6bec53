"""Image trees as a kind of target."""

from collections.abc import Collection, Iterator, Mapping
from contextlib import suppress
from functools import partial
from pathlib import Path

from kpstore.disk.beneath import Beneath
from kpstore.loaders import registry
from kpstore.loaders.limits import check_line
from kpstore.model import documents
from kpstore.model.boot import Boot
from kpstore.model.documents import Node
from kpstore.model.moves import Moves
from kpstore.model.templates import Template
from kpstore.model.vocabulary import WRITTEN
from kpstore.targets.contract import Request, Target
from kpstore.targets.desired import Desired
from kpstore.targets.spec import TargetSpec
from kpstore.targets.tree.layout import TreeRendering
from kpstore.targets.tree.observe import TreeObserver
from kpstore.targets.tree.render import render, tree_boots
from kpstore.targets.tree.target import TreeTarget
from kpstore.targets.values import ArtifactSource


class TreeKind(TreeObserver):
    """An image's root file system, whose own loader lists the image's local entries."""

    def open(
        self,
        spec: TargetSpec,
        root: Path,
        site: str,
        artifacts: ArtifactSource,
        remembered: Mapping[str, str],
    ) -> Target[TreeRendering]:
        """Open a tree."""
        publisher = TreeTarget(
            root,
            spec.name,
            site,
            spec.image or "",
            artifacts=artifacts,
            replace=spec.replace,
            remembered=remembered,
        )
        return Target(publisher, partial(render, spec, root=root))

    def check(self, spec: TargetSpec, moves: Moves) -> None:
        """Hold all entries of a touched tree to the limit: its menu offers them all."""
        image = spec.image or ""
        is_new = any(key.kind == "target" for key in moves.new.changes)
        if is_new or moves.concerns(Template(image)):
            for boot in tree_boots(moves.new, image).values():
                check_line(boot, {}, f"the tree of {image}")

    def check_boot(
        self, spec: TargetSpec, boot: Boot, values: Mapping[str, str], who: str
    ) -> None:
        """Nothing: what boots over the network is not in the tree."""

    def files(
        self, spec: TargetSpec, desired: Desired, root: Path | None
    ) -> Iterator[tuple[str, bytes]]:
        """Yield the loader files by their paths, for the loader that lies at `root`."""
        yield from render(spec, desired, root).files.items()

    def requests(
        self, spec: TargetSpec, root: Path, node: Node, boot: Boot
    ) -> Iterator[Request]:
        """Nothing: a disk is no server."""
        del spec, root, node, boot
        yield from ()

    def advice(self, spec: TargetSpec, root: Path) -> Iterator[str]:
        """Say which loader in the tree would not read what is written for it."""
        with suppress(OSError), Beneath.open(root) as tree:
            for loader in spec.loaders:
                for path, text in registry.disk(loader).read_instead.items():
                    if tree.is_file(path):
                        yield f"{path} is there: {text}"

    def samples(self, images: Collection[str]) -> dict[str, documents.Target]:
        """Return one for every loader and image."""
        return {
            f"{loader}-{image}": documents.Target(
                kind=self.name, loaders=(loader,), image=image
            )
            for loader in WRITTEN["image"]
            for image in images
        }

    def always(self) -> dict[str, bytes]:
        """Return nothing: what is in a tree is drawn of its image."""
        return {}
