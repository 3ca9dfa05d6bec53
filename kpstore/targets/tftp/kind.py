"""TFTP roots as a kind of target."""

from collections.abc import Collection, Iterator, Mapping
from functools import partial
from pathlib import Path

from kpstore.loaders import registry
from kpstore.loaders.menu import LOCAL_DISK
from kpstore.model import documents
from kpstore.model.boot import Boot
from kpstore.model.documents import Node, TargetOptions
from kpstore.model.moves import Moves
from kpstore.model.vocabulary import WRITTEN
from kpstore.targets.contract import Request, Target
from kpstore.targets.desired import Desired
from kpstore.targets.spec import TargetSpec
from kpstore.targets.tftp.format.layout import IDENTITY, Layout
from kpstore.targets.tftp.generation import Generation
from kpstore.targets.tftp.node_files import render_defaults
from kpstore.targets.tftp.observe import TftpObserver
from kpstore.targets.tftp.paths import TftpPaths
from kpstore.targets.tftp.render import check, render
from kpstore.targets.tftp.target import TftpTarget
from kpstore.targets.values import ArtifactSource


class TftpKind(TftpObserver):
    """A root from which nodes fetch their menus, kernels and initrds."""

    def open(
        self,
        spec: TargetSpec,
        root: Path,
        site: str,
        artifacts: ArtifactSource,
        remembered: Mapping[str, str],
    ) -> Target[Generation]:
        """Open a root. Nothing gives way here: `remembered` is empty."""
        del remembered
        writers = {loader: registry.network(loader) for loader in spec.loaders}
        scripts = {
            name: script
            for name, each in writers.items()
            if (script := each.write_default(spec.prefix)) is not None
        }
        publisher = TftpTarget(
            root,
            spec.name,
            site,
            spec.loaders,
            prefix=spec.prefix,
            lookups=spec.lookups,
            artifacts=artifacts,
            policy={
                name: each.write_menu(LOCAL_DISK) for name, each in writers.items()
            },
            scripts=scripts,
        )
        return Target(publisher, partial(render, spec))

    def check(self, spec: TargetSpec, moves: Moves) -> None:
        """Nothing: what a root serves is drawn for nodes."""

    def check_boot(
        self, spec: TargetSpec, boot: Boot, values: Mapping[str, str], who: str
    ) -> None:
        """Refuse what a loader has no words for, or a line that it can't carry."""
        check(spec, boot, values, who)

    def files(
        self, spec: TargetSpec, desired: Desired, root: Path | None
    ) -> Iterator[tuple[str, bytes]]:
        """Yield menus as `template/loader` and nodes' own files as `MAC/loader`.

        Entry points are links and not among them, nor are kernels and initrds.
        """
        del root
        made = render(spec, desired)
        for template, menus in made.menus.items():
            yield from ((f"{template}/{name}", data) for name, data in menus.items())
        for mac, form in made.nodes.items():
            files = form.files if form and form.files else {}
            yield from ((f"{mac}/{loader}", data) for loader, data in files.items())

    def requests(
        self, spec: TargetSpec, root: Path, node: Node, boot: Boot
    ) -> Iterator[Request]:
        """Yield what tells that it is this target, then what a node asks for in turn.

        Boot files where they are there, the node's menu of each loader, its kernel.
        """
        layout = Layout(root, spec.loaders, spec.prefix, spec.lookups)
        # A server that all share can be but one of them.
        paths = [("which target it is", IDENTITY)] if spec.server else []
        paths += [
            (f"boot file of {loader}", file)
            for loader in spec.loaders
            if loader in registry.NETWORK
            for file in registry.NETWORK[loader].own_files
            if layout.path(file).is_file()
        ]
        paths += [
            (f"{names.loader} menu of {node.name}", f"{names.folder}/{names.name(mac)}")
            for names in layout.entries
            for mac in node.macs[:1]
        ]
        kernel = TftpPaths(spec.prefix).objects(boot)[0]
        paths.append((f"kernel of {boot.image}/{boot.entry}", kernel.path))
        for what, path in paths:
            shown = f"{spec.prefix}/{path}" if spec.prefix else path
            where = layout.path(path)
            yield Request(f"{spec.name}: {what}", shown, where, spec.server)

    def advice(self, spec: TargetSpec, root: Path) -> Iterator[str]:
        """Say what DHCP and TFTP must be set to."""
        where = f" in {spec.prefix}/" if spec.prefix else ""
        yield f"TFTP: serve {root} (in.tftpd -s {root}, or dnsmasq --tftp-root={root})"
        for loader in spec.loaders:
            if loader in registry.NETWORK:
                boot_files = registry.NETWORK[loader].boot_files
                yield f"DHCP: boot file{where}: {boot_files}"
        yield "then: kp doctor fetches a menu and a kernel as a node would"

    def samples(self, images: Collection[str]) -> dict[str, documents.Target]:
        """Return one with every loader in the usual places, and one in others."""
        del images
        options = TargetOptions(prefix="pxe/kp", grub_dir="boot/grub")
        usual = documents.Target(kind=self.name, loaders=WRITTEN["tftp"])
        return {"net": usual, "below": usual.model_copy(update={"options": options})}

    def always(self) -> dict[str, bytes]:
        """Return what loaders get that find no entry point."""
        return render_defaults(WRITTEN["tftp"], TftpPaths("pxe/kp"))
