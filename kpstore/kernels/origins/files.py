"""Loose files as the origin of a kernel."""

import errno
import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import BinaryIO, Final

from kpstore.discovery.beside import initrds_beside
from kpstore.discovery.installed import installed
from kpstore.discovery.layouts import CONFIG, EARLY, MAP
from kpstore.disk.beneath import Beneath
from kpstore.disk.descriptors import opened_source
from kpstore.errors import InvalidInput, NotFound
from kpstore.formats.kernel import read_kernel
from kpstore.kernels.contract import Given, ModuleTree, Option, Parts, Source, told

# What tells that a folder is the root of an image, and where its boot files are.
_ROOTS: Final = ("etc", "usr", "lib/modules")
_BELOW: Final = frozenset({"boot", "efi", "lib", "usr"})
_PLACES: Final = (".", "lib/modules", "usr/lib/modules")


@dataclass(frozen=True)
class KernelFiles:
    """A kernel's files on this machine, whose paths are trusted.

    The links in an image are not: what lies in one is looked up beneath its root.
    `modules`: the folder of the release, or one that holds it or
    `lib/modules/<release>`.
    """

    kernel: Path
    initrds: Sequence[Path] = ()
    modules: Path | None = None
    system_map: Path | None = None
    config: Path | None = None

    def given(self) -> dict[str, Path]:
        """Return what was given, as an origin tells it."""
        paths = {
            "kernel": self.kernel,
            "modules": self.modules,
            "System.map": self.system_map,
            "config": self.config,
            **{f"initrd.{at}": path for at, path in enumerate(self.initrds)},
        }
        return {what: path for what, path in paths.items() if path}


def beside(kernel: Path) -> KernelFiles:
    """Return a kernel with what lies beside it by the names that distributions use.

    InvalidInput when it is no kernel. Within an image its other places are looked at
    too. An initrd whose name tells no release may be of another: `gather` refuses it.
    """
    with _open(kernel) as file:
        release = read_kernel(file, str(kernel)).release
    image = image_of(kernel)
    if image and image[0].is_dir():
        return _of_image(*image, release)
    folder = kernel.parent
    trees = (folder.parent / "lib/modules", folder / "lib/modules")
    initrd = _there(folder, initrds_beside(kernel.name, release))[:1]
    return KernelFiles(
        kernel=kernel,
        initrds=(*_there(folder, EARLY if initrd else ()), *initrd),
        modules=next((t / release for t in trees if _is_dir(t / release)), None),
        system_map=next(iter(_there(folder, [MAP.format(release)])), None),
        config=next(iter(_there(folder, [CONFIG.format(release)])), None),
    )


def _of_image(root: Path, rel: str, release: str) -> KernelFiles:
    with Beneath.open(root) as tree:
        found = installed(tree, release, rel)
    return KernelFiles(
        kernel=root / rel,
        initrds=tuple(root / path for path in found.initrds),
        modules=root / found.modules if found.modules else None,
        system_map=root / found.system_map if found.system_map else None,
        config=root / found.config if found.config else None,
    )


def _there(folder: Path, names: Iterable[str]) -> list[Path]:
    return [folder / name for name in names if _is_file(folder / name)]


class Files:
    """The origin `--files`."""

    option = Option("--files", "KERNEL", "A kernel's file.")
    beside = (
        Option("--initrd", "F", "Its initrd.", repeated=True),
        Option("--modules", "DIR", "Its module tree."),
        Option("--system-map", "F", "Its System.map."),
        Option("--config", "F", "Its build configuration."),
    )
    usage = "--files KERNEL [--initrd F] [--modules DIR]"

    def open(self, given: Given) -> AbstractContextManager[Parts]:
        """Open what was given; a kernel alone comes with its neighbours."""
        paths = {name: [Path(each) for each in of] for name, of in given.beside.items()}
        single = {name: of[0] for name, of in paths.items() if of}
        files = KernelFiles(
            kernel=Path(given.value),
            initrds=paths.get("--initrd", ()),
            modules=single.get("--modules"),
            system_map=single.get("--system-map"),
            config=single.get("--config"),
        )
        for path in files.given().values():
            if path != files.modules:
                check_file(path)
        return opened(files if single else beside(files.kernel))


@contextmanager
def opened(files: KernelFiles) -> Iterator[Parts]:
    """Open the files of a kernel, as parts to take in."""
    with ExitStack() as stack:
        modules = files.modules
        yield Parts(
            kernel=source(files.kernel),
            origin=told("files", **files.given()),
            initrds=[source(path) for path in files.initrds],
            modules=_module_tree(modules, files.kernel, stack) if modules else None,
            system_map=source(files.system_map) if files.system_map else None,
            config=source(files.config) if files.config else None,
        )


def check_file(path: Path) -> None:
    """NotFound, InvalidInput for a file that isn't there, or is none.

    A link in an image means what it means there: absolute, from the image's root.
    """
    try:
        is_file, there = _is_file(path), _exists(path)
    except OSError as error:
        if error.errno != errno.ENAMETOOLONG:
            raise
        is_file = there = False
    if is_file:
        return
    if there:
        raise InvalidInput(f"{path} is not a file", hint="give one of its files")
    image = image_of(path)
    if image and path.is_symlink():
        raise NotFound(
            f"{path} is a link to {path.readlink()}, and there is no such file in the "
            f"image {image[0]}",
            hint="give the file that is meant, or mend the link",
        )
    raise NotFound(f"there is no file {path}", hint="look at its path")


def source(path: Path) -> Source:
    """Return a trusted path as a source; opening refuses what is no regular file."""
    return Source(str(path), partial(_open, path))


def image_of(path: Path) -> tuple[Path, str] | None:
    """Return the root of the image that a path lies in and the rest; or None.

    This machine itself is no image.
    """
    whole = path.absolute()
    for root in whole.parents[:-1]:
        rest = whole.relative_to(root)
        if rest.parts[0] in _BELOW and root.name != "usr" and _is_root(root):
            return root, str(rest)
    return None


def _is_root(folder: Path) -> bool:
    names = any(os.path.lexists(folder / name) for name in _ROOTS)
    return names or (folder / "lib").is_symlink()


@contextmanager
def _located(path: Path) -> Iterator[tuple[Beneath, str] | None]:
    image = image_of(path)
    if image is None or not image[0].is_dir():
        yield None
        return
    with Beneath.open(image[0]) as tree:
        yield tree, image[1]


def _open(path: Path) -> BinaryIO:
    with _located(path) as place:
        if place is not None:
            return place[0].open_read(place[1])
    with opened_source(path) as descriptor:
        return os.fdopen(os.dup(descriptor), "rb")


def _is_file(path: Path) -> bool:
    with _located(path) as place:
        return place[0].is_file(place[1]) if place else path.is_file()


def _exists(path: Path) -> bool:
    with _located(path) as place:
        return place[0].exists(place[1]) if place else path.exists()


def _is_dir(path: Path) -> bool:
    with _located(path) as place:
        return place[0].is_dir(place[1]) if place else path.is_dir()


def _module_tree(given: Path, kernel: Path, stack: ExitStack) -> ModuleTree:
    """Find the release's folder: `given` itself, or below it."""
    if not _is_dir(given):
        raise NotFound(
            f"{given} is not a directory",
            hint="give the folder of its modules: lib/modules/RELEASE",
        )
    folder = given if _is_release(given) else _below(given, kernel)
    image = image_of(folder)
    if image is None:
        folder = folder.resolve()
        image = folder.parent, folder.name
    return ModuleTree(
        str(folder), stack.enter_context(Beneath.open(image[0])), image[1]
    )


def _is_release(folder: Path) -> bool:
    with _located(folder) as place:
        names = (
            place[0].names(place[1]) if place else [p.name for p in folder.iterdir()]
        )
    return any(name == "kernel" or name.startswith("modules.") for name in names)


def _below(given: Path, kernel: Path) -> Path:
    with _open(kernel) as file:
        release = read_kernel(file, str(kernel)).release
    for place in _PLACES:
        if _is_dir(given / place / release):
            return given / place / release
    raise NotFound(
        f"{given} holds no modules of {release}",
        hint=f"give the folder lib/modules/{release}, or the one that it is in",
    )
