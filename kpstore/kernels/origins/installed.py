"""A kernel that is installed in an image's tree, as the origin of a kernel."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial

from kpstore.discovery.image_tree import opened_tree
from kpstore.discovery.installed import Installed, installed_kernels
from kpstore.disk.beneath import Beneath
from kpstore.errors import NotFound
from kpstore.kernels.contract import Given, ModuleTree, Option, Parts, Source, told
from kpstore.model.names import missing


class InstalledKernel:
    """The origin `--installed`."""

    option = Option("--installed", "RELEASE", "One that the image's tree has.", False)
    beside = ()
    usage = "--installed R"

    @contextmanager
    def open(self, given: Given) -> Iterator[Parts]:
        """Open the files; NotFound where the tree has no kernel of that release."""
        if given.tree is None:
            raise NotFound(
                f"the tree of image {given.image} is not known on this server",
                hint="kp target add NAME --kind image …, or [trees] in kp.toml",
            )
        with opened_tree(given.tree) as tree:
            kernels = {each.release: each for each in installed_kernels(tree)}
            if given.value not in kernels:
                raise missing("installed kernel", given.value, kernels)
            yield parts_of(tree, kernels[given.value])


def parts_of(tree: Beneath, found: Installed) -> Parts:
    """Return the files of a kernel that was found in a tree."""

    def source(path: str) -> Source:
        return Source(f"/{path}", partial(tree.open_read, path))

    return Parts(
        kernel=source(found.kernel),
        origin=told("installed", release=found.release, kernel=f"/{found.kernel}"),
        initrds=[source(path) for path in found.initrds],
        modules=ModuleTree(f"/{found.modules}", tree, found.modules)
        if found.modules
        else None,
        system_map=source(found.system_map) if found.system_map else None,
        config=source(found.config) if found.config else None,
        doubts=found.doubts,
    )
