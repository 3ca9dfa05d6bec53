"""Kernels that are installed in an image tree.

The tree is not trusted: it is read beneath its root, and nothing of it is run.
"""

import os
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from kpstore.discovery.beside import initrds_beside, initrds_of, is_spare, said_by
from kpstore.discovery.files import names, same_bytes
from kpstore.discovery.layouts import CONFIG, EARLY, LAYOUTS, MAP
from kpstore.disk.beneath import Beneath
from kpstore.errors import InvalidInput, Refused
from kpstore.formats.kernel import KernelFacts, read_kernel
from kpstore.formats.versions import version_key
from kpstore.model.names import RELEASE

_RELEASE: Final = re.compile(RELEASE)
_ANY: Final = re.compile(r"\{\w+\}")
_MODULES: Final = ("lib/modules", "usr/lib/modules")
_BARE: Final = "vmlinux"
_INITRDS: Final = ("initramfs.img", "initrd")  # in the folder of its modules


@dataclass(frozen=True)
class Installed:
    """A kernel in an image tree; paths are relative to the tree, or None.

    `initrds` in the order that they are loaded in, microcode first. `doubts` say what
    a person should know of the choice. `is_spare`: it is for an emergency.
    """

    release: str
    kernel: str
    initrds: tuple[str, ...] = ()
    modules: str | None = None
    config: str | None = None
    system_map: str | None = None
    doubts: tuple[str, ...] = ()
    is_spare: bool = False


def installed_kernels(tree: Beneath) -> list[Installed]:
    """Find the kernels in a tree, newest release first, spare ones last.

    Of several copies of a release that one counts which has its initrd; where another
    is no copy, that is a doubt.
    """
    found: dict[str, list[Installed]] = {}
    places = list(dict.fromkeys(_kernels(tree)))
    every = [installed(tree, release, path) for release, path in places]
    for each in sorted(every, key=_rank):
        found.setdefault(each.release, []).append(each)
    newest = sorted(found.items(), key=lambda each: version_key(each[0]), reverse=True)
    chosen = [_chosen(tree, *copies) for _, copies in newest]
    return sorted(chosen, key=lambda each: each.is_spare)


def _chosen(tree: Beneath, first: Installed, *others: Installed) -> Installed:
    rivals = [
        f"kernel {first.release} is taken to be /{first.kernel}: there is "
        f"/{each.kernel} too, which is another"
        for each in others
        if not (each.is_spare or _is_copy(tree, each, first))
    ]
    return replace(first, doubts=(*first.doubts, *rivals))


def _is_copy(tree: Beneath, one: Installed, of: Installed) -> bool:
    """Tell a copy, or what the packed kernel was made of."""
    if one.kernel.rpartition("/")[2].startswith(_BARE):
        return True
    pairs = [(one.kernel, of.kernel), *zip(one.initrds, of.initrds, strict=False)]
    return all(same_bytes(tree, *pair) for pair in pairs)


def _rank(kernel: Installed) -> tuple[bool, bool, bool]:
    """Put first what is no spare, has its initrd, and names its release."""
    return kernel.is_spare, not kernel.initrds, kernel.release not in kernel.kernel


def facts_of(tree: Beneath, path: str) -> KernelFacts | None:
    """Return what a kernel's bytes say; None for what is no kernel, or not there."""
    try:
        with tree.open_read(path) as file:
            return read_kernel(file, path)
    except (FileNotFoundError, NotADirectoryError, Refused, InvalidInput):
        return None


def installed(tree: Beneath, release: str, kernel: str) -> Installed:
    """Return a kernel of the tree with what belongs to it."""
    folder, _, _ = kernel.rpartition("/")
    folders = (f"{each}/{release}" for each in _MODULES)
    modules = next((each for each in folders if tree.is_dir(each)), None)
    places = dict.fromkeys(filter(None, (folder, "boot", modules)))
    initrd, doubts = _initrd(tree, release, kernel, modules)
    early = [f"{folder}/{each}".lstrip("/") for each in EARLY] if initrd else []
    return Installed(
        release=release,
        kernel=kernel,
        initrds=(*(each for each in early if _has_bytes(tree, each)), *initrd),
        modules=modules,
        config=_beside(tree, places, CONFIG, release),
        system_map=_beside(tree, places, MAP, release),
        doubts=tuple(doubts),
        is_spare=is_spare(kernel),
    )


def _kernels(tree: Beneath) -> Iterator[tuple[str, str]]:
    """Yield release and path, in the order of the table."""
    releases = _releases(tree)
    for layout in LAYOUTS:
        for pattern in layout.kernels:
            for path in _matching(tree, _ANY.sub("*", pattern)):
                said = said_by(pattern, path) or {}
                name = said.get("name") or said.get("release") or ""
                if name in releases and tree.is_file(path):
                    yield name, path
                elif facts := facts_of(tree, path):
                    yield facts.release, path


def _matching(tree: Beneath, pattern: str) -> Iterator[str]:
    parent, _, name = pattern.rpartition("/")
    for folder in _matching(tree, parent) if "*" in parent else [parent]:
        found = names(tree, folder, name) if "*" in name else [name]
        yield from (f"{folder}/{each}".lstrip("/") for each in found)


def _releases(tree: Beneath) -> set[str]:
    """Return the releases that have modules in the tree."""
    return {
        name
        for place in _MODULES
        for name in names(tree, place)
        if _RELEASE.fullmatch(name) and tree.is_dir(f"{place}/{name}")
    }


def _initrd(
    tree: Beneath, release: str, kernel: str, modules: str | None
) -> tuple[list[str], list[str]]:
    """Return a kernel's initrd, none or one, and what is to be said of it.

    The first folder that has any counts: the kernel's own, /boot, the modules'.
    """
    folder, _, name = kernel.rpartition("/")
    empty: list[str] = []
    for place, within in (
        (folder, initrds_beside(name, release)),
        ("boot", initrds_of(release)),
        (modules, _INITRDS),
    ):
        paths = [f"{place}/{each}".lstrip("/") for each in dict.fromkeys(within)]
        there = [path for path in paths if place is not None and tree.is_file(path)]
        found = [path for path in there if _has_bytes(tree, path)]
        empty += [path for path in there if path not in found]
        if found:
            return found[:1], _others(tree, kernel, found)
    lost = [f"/{path} is empty" for path in dict.fromkeys(empty)]
    return [], [f"no initrd of /{kernel} is found in the tree", *lost]


def _others(tree: Beneath, kernel: str, found: list[str]) -> list[str]:
    """Say which other files, not just other names, might have been meant."""
    files = {_file(tree, path): path for path in reversed(found)}
    first, *more = (path for path in found if path in files.values())
    return [
        f"the initrd of /{kernel} is taken to be /{first}: there is /{each} too"
        for each in more
    ]


def _file(tree: Beneath, path: str) -> tuple[int, int]:
    with tree.open_read(path) as file:
        about = os.fstat(file.fileno())
        return about.st_dev, about.st_ino


def _beside(
    tree: Beneath, places: Iterable[str], name: str, release: str
) -> str | None:
    """Find a file that names the release; in its modules' folder nothing need do so."""
    plain, _, _ = name.partition("-")
    paths = (
        f"{place}/{plain if place.endswith(release) else name.format(release)}"
        for place in places
    )
    return next((path for path in paths if _has_bytes(tree, path)), None)


def _has_bytes(tree: Beneath, path: str) -> bool:
    """Tell whether a path leads to a file that isn't empty."""
    if not tree.is_file(path):
        return False
    with tree.open_read(path) as file:
        return os.fstat(file.fileno()).st_size > 0
