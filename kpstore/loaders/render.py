"""From boot state to the files that loaders read; pure.

What a template or node boots is a `Boot` (`kpstore.model.boot`); here it gets the
paths of its files on a target and is handed to the dialects.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Final, NamedTuple, Protocol

from kpstore.loaders import registry
from kpstore.loaders.menu import POLICY, Linux, Menu, TreeOptions, Xen
from kpstore.model import variables
from kpstore.model.boot import Boot, boot_of, disk_default, disk_entries
from kpstore.model.documents import ArtifactRef, Node
from kpstore.model.state import State


class File(NamedTuple):
    """An artifact that menus name, and its path below the target's root."""

    sha256: str
    size: int
    path: str


class Paths(Protocol):
    """Where a target keeps artifacts."""

    def place(self, sha256: str, name: str) -> str:
        """Return the path below kp's root on the target."""

    def seen(self, sha256: str, name: str) -> str:
        """Return the absolute path by which a loader asks for it."""


class TftpPaths(NamedTuple):
    """A TFTP target; `prefix` is kp's root below the TFTP root."""

    prefix: str = ""

    def place(self, sha256: str, name: str) -> str:
        """Return `kp/objects/<sha256>/<name>`."""
        return f"kp/objects/{sha256}/{name}"

    def seen(self, sha256: str, name: str) -> str:
        """Return `/<prefix>/kp/objects/<sha256>/<name>`."""
        return f"{self.root}/{self.place(sha256, name)}"

    def menu(self, template: str, loader: str) -> str:
        """Return the path by which a node's own file goes on to its template's menu."""
        return f"{self.root}/kp/live/{template}/{loader}"

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


class TreePaths:
    """An image tree."""

    def place(self, sha256: str, name: str) -> str:
        """Return `boot/kp/<sha256[:12]>/<name>`."""
        return f"boot/kp/{sha256[:12]}/{name}"

    def seen(self, sha256: str, name: str) -> str:
        """Return `/boot/kp/<sha256[:12]>/<name>`."""
        return f"/{self.place(sha256, name)}"


_TREE: Final = TreePaths()


def linux_of(boot: Boot, paths: Paths) -> Linux:
    """Return a boot with the paths by which a loader asks for its files."""
    kernel, *others = (paths.seen(ref.sha256, name) for ref, name in _files(boot))
    return Linux(
        kernel=kernel,
        initrds=tuple(others[: len(boot.kernel.artifacts.initrd)]),
        params=boot.params,
        xen=Xen(others[-1], boot.xen_params) if boot.xen else None,
    )


def menu_of(boot: Boot | None, paths: Paths) -> Menu:
    """Return what a TFTP target says: local entries, too, boot from the disk."""
    if boot is None:
        return POLICY
    title = f"{boot.image}/{boot.entry}"
    if boot.method == "local":
        return Menu(title, POLICY.boot)
    return Menu(title, linux_of(boot, paths))


def objects_of(boot: Boot | None, paths: Paths) -> list[File]:
    """Return the artifacts that a boot's menu names."""
    files = _files(boot) if boot else ()
    return [
        File(ref.sha256, ref.size, paths.place(ref.sha256, name)) for ref, name in files
    ]


def _files(boot: Boot) -> Iterator[tuple[ArtifactRef, str]]:
    # Named by what they are, not by their place in a list: the same initrd may be
    # another kernel's second one, and an object's directory never changes.
    yield boot.kernel.artifacts.vmlinuz, "vmlinuz"
    for initrd in boot.kernel.artifacts.initrd:
        yield initrd, "initrd.img"
    if boot.xen:
        yield boot.xen.artifacts.vmlinuz, "xen.gz"


def render_template(
    boot: Boot | None, loaders: Iterable[str], paths: TftpPaths
) -> dict[str, bytes]:
    """Return a template's menu for each loader.

    One that fills in no variables has none for a boot with some: each node has its own.
    """
    menus = {loader: menu_of(boot, paths.of(loader)) for loader in loaders}
    return {
        loader: registry.network(loader).write_menu(menu)
        for loader, menu in menus.items()
        if registry.network(loader).fills_variables or not _variables(menu)
    }


class NodeFiles:
    """Writes the own files of a template's nodes: `boot` has variables."""

    def __init__(
        self, boot: Boot, loaders: Iterable[str], paths: TftpPaths, template: str
    ) -> None:
        self._boot = boot
        self._menus = {
            loader: (menu_of(boot, paths.of(loader)), paths.menu(template, loader))
            for loader in loaders
        }

    def of(self, node: Node) -> dict[str, bytes]:
        """Return a node's file for each loader; InvalidInput for a variable unset."""
        variables.check(node, self._boot.variables, {})
        values = self._boot.values(node)
        return {
            loader: registry.network(loader).write_node(menu, values, path)
            for loader, (menu, path) in self._menus.items()
        }


def node_files(
    boot: Boot | None, loaders: Iterable[str], paths: TftpPaths, template: str
) -> NodeFiles | None:
    """Return what writes its nodes' own files.

    None when the template's menu is all they need, so that a link will do.
    """
    if boot is None or boot.method == "local" or not boot.variables:
        return None
    return NodeFiles(boot, loaders, paths, template)


def _variables(menu: Menu) -> tuple[str, ...]:
    return menu.boot.variables if isinstance(menu.boot, Linux) else ()


def render_defaults(loaders: Iterable[str], paths: TftpPaths) -> dict[str, bytes]:
    """Return what each loader is given that found no entry point: the policy.

    For iPXE it is the script that looks for the entry point first.
    """
    writers = {loader: registry.network(loader) for loader in loaders}
    return {
        loader: writer.write_default(paths.prefix) or writer.write_menu(POLICY)
        for loader, writer in writers.items()
    }


class Tree(NamedTuple):
    """An image tree's loader files by path, the switches among them, their objects."""

    files: Mapping[str, bytes] = {}
    switch: tuple[str, ...] = ()
    objects: tuple[File, ...] = ()


def tree_boots(state: State, image: str) -> dict[str, Boot]:
    """Return the boots that an image's tree lists, local and mixed, by entry.

    Without groups and nodes: the tree is the same for all of them.
    """
    return {name: boot_of(state, image, name) for name in disk_entries(state, image)}


def render_tree(
    state: State,
    image: str,
    loaders: Iterable[str],
    options: TreeOptions = TreeOptions(),  # noqa: B008 - an immutable value
) -> Tree:
    """Return an image tree's loader files; empty when it has nothing to boot."""
    boots, default = tree_boots(state, image), disk_default(state, image)
    if default is None:
        return Tree()
    menus = {
        name: Menu(f"{image}/{name}", linux_of(boot, _TREE))
        for name, boot in boots.items()
    }
    made = [registry.disk(each).files(menus, default, options) for each in loaders]
    objects = dict.fromkeys(
        file for boot in boots.values() for file in objects_of(boot, _TREE)
    )
    return Tree(
        files={path: data for files, _ in made for path, data in files.items()},
        switch=tuple(switch for _, switch in made),
        objects=tuple(objects),
    )
