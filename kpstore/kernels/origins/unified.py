"""The kernel and initrds that a unified kernel image holds, each as a file."""

import os
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import BinaryIO

from kpstore.disk.beneath import Beneath
from kpstore.disk.descriptors import part_of
from kpstore.formats.containers import Section
from kpstore.formats.uki import UnifiedImage, read_unified
from kpstore.kernels.contract import Parts, Source


def taken_apart(tree: Beneath, path: str, parts: Parts) -> Parts:
    """Return the parts with what the image at `path` holds; as they are if it is none.

    Loaders from the network start no unified image, and its stub would take their
    command line for its own.
    """
    with tree.open_read(path) as file:
        descriptor = file.fileno()
        image = read_unified(
            lambda at, most: os.pread(descriptor, most, at),
            os.fstat(descriptor).st_size,
        )
    if image is None:
        return parts
    kernel, *initrds = _sources(tree, path, image)
    said = f"/{path} is a unified kernel image: its kernel and initrds are taken out"
    together = (*initrds, *parts.initrds)
    return replace(parts, kernel=kernel, initrds=together, doubts=(said,))


def _sources(tree: Beneath, path: str, image: UnifiedImage) -> Iterator[Source]:
    for what, section in (
        ("the kernel", image.linux),
        *((f"initrd {at}", each) for at, each in enumerate(image.initrds, 1)),
    ):
        yield Source(f"{what} in /{path}", partial(_opened, tree, path, section))


def _opened(tree: Beneath, path: str, section: Section) -> BinaryIO:
    with tree.open_read(path) as file:
        return part_of(file.fileno(), *section)
