"""Kernels that are installed in an image tree.

The tree is not trusted: it is read beneath its root, and nothing of it is run.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Final

from kpstore.discovery.companions import CONFIGS, INITRDS, MAPS
from kpstore.discovery.files import names
from kpstore.disk.beneath import Beneath
from kpstore.errors import InvalidInput, Refused
from kpstore.formats.kernel import read_kernel
from kpstore.model.names import RELEASE
from kpstore.model.versions import version_key

_RELEASE: Final = re.compile(RELEASE)
_KERNEL: Final = re.compile(r"(?:vmlinuz|vmlinux|bzImage|Image|zImage|kernel)-(.+)")
_MODULES: Final = ("lib/modules", "usr/lib/modules")
_INITRDS: Final = (*(f"boot/{name}" for name in INITRDS), "lib/modules/{0}/initrd")
_CONFIGS: Final = (*(f"boot/{name}" for name in CONFIGS), "lib/modules/{0}/config")
_MAPS: Final = (*(f"boot/{name}" for name in MAPS), "lib/modules/{0}/System.map")


@dataclass(frozen=True)
class Installed:
    """A kernel in an image tree; paths are relative to the tree, or None."""

    release: str
    kernel: str
    initrd: str | None = None
    modules: str | None = None
    config: str | None = None
    system_map: str | None = None


def installed_kernels(tree: Beneath) -> list[Installed]:
    """Find the kernels in a tree, newest release first."""
    found: dict[str, Installed] = {}
    for release, kernel in _kernels(tree):
        found.setdefault(release, _installed(tree, release, kernel))
    return sorted(
        found.values(), key=lambda each: version_key(each.release), reverse=True
    )


def release_of(tree: Beneath, path: str) -> str | None:
    """Return the release that a kernel's bytes name; None for what is no kernel."""
    try:
        with tree.open_read(path) as file:
            return read_kernel(file, path).release
    except (FileNotFoundError, NotADirectoryError, Refused, InvalidInput):
        return None


def _kernels(tree: Beneath) -> Iterator[tuple[str, str]]:
    """Yield release and path; the surest places first."""
    releases = _releases(tree)
    others = []
    for name in names(tree, "boot"):
        if match := _KERNEL.fullmatch(name):
            path = f"boot/{name}"
            if match[1] in releases and tree.is_file(path):
                yield match[1], path
            else:
                others.append(path)
    for release, place in releases.items():
        if tree.is_file(f"{place}/vmlinuz"):
            yield release, f"{place}/vmlinuz"
    others += _below_tokens(tree)
    for path in others:
        if told := release_of(tree, path):
            yield told, path


def _releases(tree: Beneath) -> dict[str, str]:
    """Return release -> module tree."""
    found: dict[str, str] = {}
    for place in _MODULES:
        for name in names(tree, place):
            if _RELEASE.fullmatch(name) and tree.is_dir(f"{place}/{name}"):
                found.setdefault(name, f"{place}/{name}")
    return found


def _below_tokens(tree: Beneath) -> Iterator[str]:
    """Yield `boot/<token>/<release>/linux`, where kernel-install puts kernels."""
    for token in names(tree, "boot"):
        if token not in _NO_TOKENS:
            for release in names(tree, f"boot/{token}"):
                path = f"boot/{token}/{release}/linux"
                if tree.is_file(path):
                    yield path


_NO_TOKENS: Final = frozenset({"kp", "grub", "grub2", "efi", "EFI", "loader"})


def _installed(tree: Beneath, release: str, kernel: str) -> Installed:
    folder, _, _ = kernel.rpartition("/")
    beside = (f"{folder}/initrd",) if kernel.endswith("/linux") else ()
    modules = (f"{place}/{{0}}" for place in _MODULES)
    return Installed(
        release=release,
        kernel=kernel,
        initrd=_first(tree, (*beside, *_INITRDS), release),
        modules=next(
            (path for each in modules if tree.is_dir(path := each.format(release))),
            None,
        ),
        config=_first(tree, _CONFIGS, release),
        system_map=_first(tree, _MAPS, release),
    )


def _first(tree: Beneath, places: Iterable[str], release: str) -> str | None:
    paths = (place.format(release) for place in places)
    return next((path for path in paths if _has_bytes(tree, path)), None)


def _has_bytes(tree: Beneath, path: str) -> bool:
    return tree.is_file(path) and tree.stat(path).st_size > 0
