"""A kernel that is installed in an image's tree, as the origin of a kernel."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from functools import partial
from pathlib import Path

from kpstore.discovery.image_tree import Booted, opened_tree
from kpstore.discovery.installed import Installed, installed, installed_kernels
from kpstore.disk.beneath import Beneath
from kpstore.errors import NotFound
from kpstore.kernels.contract import Given, ModuleTree, Option, Parts, Source, told
from kpstore.kernels.origins.unified import taken_apart
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
            yield _parts(tree, kernels[given.value])


@contextmanager
def as_booted(path: Path, booted: Booted) -> Iterator[Parts]:
    """Open what an image tree's own loader boots: that kernel, and its initrds.

    Of a unified image those that it holds.
    """
    with opened_tree(path) as tree:
        found = installed(tree, booted.release, booted.kernel)
        doubts = found.doubts
        if booted.source:
            beside = () if booted.initrds else found.initrds[-1:]
            says = f"{booted.source} has no initrd for it: there is /"
            doubts = tuple(f"{says}{path}" for path in beside)
        parts = _parts(tree, replace(found, initrds=booted.initrds, doubts=doubts))
        yield taken_apart(tree, booted.kernel, parts)


def _parts(tree: Beneath, found: Installed) -> Parts:
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
