"""The architecture of an image tree, told by its own programs."""

from collections.abc import Iterator
from itertools import islice
from typing import Final

from kpstore.discovery.files import names
from kpstore.discovery.installed import facts_of, installed_kernels
from kpstore.disk.beneath import Beneath
from kpstore.errors import Refused
from kpstore.formats.arch import elf_arch

_SURE: Final = ("bin/sh", "bin/bash", "usr/bin/env", "sbin/init", "bin/busybox")
_FOLDERS: Final = ("usr/bin", "bin", "usr/sbin", "sbin")
_ATTEMPTS: Final = 64  # programs of one folder; most that are no ELF are scripts
_HEAD: Final = 64  # bytes


def tree_arch(tree: Beneath) -> str | None:
    """Return the architecture of the tree's programs, else of its kernel, else None."""
    archs = (_program_arch(tree, path) for path in _programs(tree))
    return next(filter(None, archs), None) or _kernel_arch(tree)


def _programs(tree: Beneath) -> Iterator[str]:
    yield from _SURE
    for folder in _FOLDERS:
        for name in islice(names(tree, folder), _ATTEMPTS):
            yield f"{folder}/{name}"


def _program_arch(tree: Beneath, path: str) -> str | None:
    try:
        with tree.open_read(path) as file:
            return elf_arch(file.read(_HEAD))
    except (FileNotFoundError, NotADirectoryError, Refused):
        return None


def _kernel_arch(tree: Beneath) -> str | None:
    every = (facts_of(tree, each.kernel) for each in installed_kernels(tree))
    return next((facts.arch for facts in every if facts), None)
