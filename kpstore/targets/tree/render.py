"""From boot state to what one image's own disk holds; it is rendered whole."""

from collections.abc import Iterable
from pathlib import Path

from kpstore.loaders import registry
from kpstore.loaders.boot_menu import linux_of
from kpstore.loaders.menu import Menu, TreeOptions
from kpstore.model.boot import Boot, boot_of, disk_default, disk_entries
from kpstore.model.state import State
from kpstore.targets.desired import Desired
from kpstore.targets.spec import TargetSpec
from kpstore.targets.tree.layout import TreeRendering
from kpstore.targets.tree.paths import objects, seen
from kpstore.targets.values import Marker


def render(
    spec: TargetSpec, desired: Desired, root: Path | None = None
) -> TreeRendering:
    """Render an image's tree, for the loader that lies at `root`; all of it."""
    options = TreeOptions(spec.grub_dir)
    if root and len(spec.loaders) == 1:  # of several, each is written as is usual
        shared = registry.disk(spec.loaders[0]).is_shared
        if shared:
            # Readers of what others wrote: few trees need them, and a plan no others.
            from kpstore.discovery.own_loader import seen_options

            options = seen_options(root, options)
    image, loaders = spec.image or "", spec.loaders
    return render_tree(desired.state, image, loaders, desired.marker, options)


def tree_boots(state: State, image: str) -> dict[str, Boot]:
    """Return the boots that an image's tree lists, local and mixed, by entry.

    Without groups and nodes: the tree is the same for all of them.
    """
    return {name: boot_of(state, image, name) for name in disk_entries(state, image)}


def render_tree(
    state: State,
    image: str,
    loaders: Iterable[str],
    marker: Marker,
    options: TreeOptions,
) -> TreeRendering:
    """Return an image tree's loader files; none when it has nothing to boot."""
    boots, default = tree_boots(state, image), disk_default(state, image)
    modules = tuple(sorted(set(_modules(boots.values()))))
    if default is None:
        return TreeRendering(marker, {}, (), modules=modules)
    menus = {
        name: Menu(f"{image}/{name}", linux_of(boot, seen(boot)))
        for name, boot in boots.items()
    }
    made = [registry.disk(each).files(menus, default, options) for each in loaders]
    files = (file for boot in boots.values() for file in objects(boot))
    switches = tuple(switch for _, switch in made)
    return TreeRendering(
        marker=marker,
        files={path: data for files, _ in made for path, data in files.items()},
        switch=switches,
        objects=tuple(dict.fromkeys(files)),
        modules=modules,
        unfit=options.unfit if options.chooser in switches else "",
    )


def _modules(boots: Iterable[Boot]) -> Iterable[tuple[str, str, int]]:
    """Yield release, SHA-256 and size of the modules of what is listed."""
    for boot in boots:
        if modules := boot.kernel.artifacts.modules:
            yield boot.kernel.release, modules.sha256, modules.size
