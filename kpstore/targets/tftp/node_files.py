"""What one template's nodes are served by a TFTP target: its menus, their own files."""

from collections.abc import Iterable, Mapping

from kpstore.loaders import registry
from kpstore.loaders.boot_menu import menu_of
from kpstore.loaders.limits import check_added
from kpstore.loaders.menu import LOCAL_DISK, Linux, Menu
from kpstore.model import variables
from kpstore.model.boot import Boot
from kpstore.model.documents import Node
from kpstore.targets.tftp.paths import TftpPaths


def _menus(
    boot: Boot | None, loaders: Iterable[str], paths: TftpPaths
) -> dict[str, Menu]:
    return {loader: menu_of(boot, paths.of(loader).seen(boot)) for loader in loaders}


def render_template(
    boot: Boot | None, loaders: Iterable[str], paths: TftpPaths
) -> dict[str, bytes]:
    """Return a template's menu for each loader.

    One that fills in no variables has none for a boot with some: each node has its own.
    """
    return {
        loader: registry.network(loader).write_menu(menu)
        for loader, menu in _menus(boot, loaders, paths).items()
        if registry.network(loader).fills_variables or not _variables(menu)
    }


class NodeFiles:
    """Writes the own files of a template's nodes: `boot` has variables."""

    def __init__(
        self, boot: Boot, loaders: Iterable[str], paths: TftpPaths, template: str
    ) -> None:
        self._boot = boot
        self._menus = {
            loader: (menu, paths.menu(template, loader))
            for loader, menu in _menus(boot, loaders, paths).items()
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
        loader: writer.write_default(paths.prefix) or writer.write_menu(LOCAL_DISK)
        for loader, writer in writers.items()
    }


def check_loaders(
    boot: Boot | None,
    values: Mapping[str, str],
    who: str,
    loaders: Iterable[str],
    paths: TftpPaths,
) -> None:
    """Refuse a line that a loader would not carry with what it adds itself."""
    for loader, menu in _menus(boot, loaders, paths).items():
        check_added(menu, values, who, loader)
