"""Which kernel an image boots by its own loader configuration.

No guess: where the loaders of a tree disagree, or none says anything and several
kernels are installed, there is no default, and the candidates are named.
"""

import posixpath
import re
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NamedTuple

from kpstore.discovery.files import SeenTree
from kpstore.discovery.installed import Installed, installed_kernels, release_of
from kpstore.disk.beneath import Beneath
from kpstore.errors import NotFound
from kpstore.loaders.listing import Listed, tokens
from kpstore.loaders.registry import FOREIGN
from kpstore.model.names import PARAMETER

_PARAMETER: Final = re.compile(PARAMETER)
_LOADERS_OWN: Final = ("BOOT_IMAGE=", "initrd=")
_DEVICE: Final = re.compile(r"^\([^)]*\)")


class Booted(NamedTuple):
    """What one loader boots by default.

    `kernel` and `initrds` are paths in the tree; `params` the tokens of its line that
    kp's grammar has, `dropped` the others; `source` is the loader's file, empty where
    there is only one kernel to boot.
    """

    release: str
    kernel: str
    initrds: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    hypervisor: str = ""
    source: str = ""


@dataclass(frozen=True)
class DefaultKernel:
    """What the tree boots; None when it doesn't tell, then `candidates` are releases.

    `unread` says which loader files could not be understood.
    """

    booted: Booted | None
    candidates: tuple[str, ...]
    unread: tuple[str, ...] = ()


@contextmanager
def opened_tree(tree: Path) -> Iterator[Beneath]:
    """Open an image tree for the block; NotFound when there is none."""
    try:
        opened = Beneath.open(tree)
    except (FileNotFoundError, NotADirectoryError):
        raise NotFound(
            f"there is no image tree in {tree}",
            hint="look at its path; kp.toml says where an image's tree is",
        ) from None
    with opened as root:
        yield root


def default_kernel(tree: Beneath) -> DefaultKernel:
    """Find what the tree boots by default; nothing in it is executed."""
    installed = installed_kernels(tree)
    listings = [listing for each in FOREIGN for listing in each.read(SeenTree(tree))]
    said = [
        booted
        for listing in listings
        if listing.chosen
        and (booted := _booted(tree, installed, listing.chosen, listing.source))
    ]
    usual = [each for each in installed if not each.is_spare]
    if not said and len(usual) == 1:
        said = [_only(tree, usual[0])]
    agreed = len({each.release for each in said}) == 1
    releases = {**dict.fromkeys(each.release for each in installed)}
    releases |= dict.fromkeys(each.release for each in said)
    unread = tuple(line for listing in listings for line in listing.unread)
    return DefaultKernel(said[0] if agreed else None, tuple(releases), unread)


def _booted(
    tree: Beneath, installed: Sequence[Installed], listed: Listed, source: str
) -> Booted | None:
    """Find the kernel in the tree; None where it is not there."""
    kernel = _in_tree(tree, listed.kernel, source)
    if kernel is None:
        return None
    known = {each.kernel: each.release for each in installed}
    release = known.get(kernel) or release_of(tree, kernel)
    if release is None:
        return None
    initrds = (_in_tree(tree, path, source) for path in listed.initrds)
    params, dropped = _parameters(listed.words)
    return Booted(
        release,
        kernel,
        tuple(path for path in initrds if path),
        params,
        dropped,
        _in_tree(tree, listed.hypervisor, source) or "",
        source,
    )


def _only(tree: Beneath, kernel: Installed) -> Booted:
    """Boot the one kernel; kernel-install's file says with what."""
    text = SeenTree(tree).text("etc/kernel/cmdline") or ""
    params, dropped = _parameters(tokens(text))
    return Booted(kernel.release, kernel.kernel, kernel.initrds, params, dropped)


def _in_tree(tree: Beneath, path: str, source: str) -> str | None:
    """Return where a loader's path lies in the tree.

    A path is from the root of the loader's file system (the tree's own, or /boot's)
    or, extlinux's, from the folder of its configuration.
    """
    path = _DEVICE.sub("", path)
    beside = posixpath.dirname(source)
    places = ("/", "/boot", "/boot/efi", "/efi") if path.startswith("/") else (beside,)
    for place in places if path else ():
        found = posixpath.normpath(f"/{place}/{path}").lstrip("/")
        if tree.is_file(found):
            return found
    return None


def _parameters(words: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the tokens that kp's grammar has, and the others."""
    own = [word for word in words if not word.startswith(_LOADERS_OWN)]
    params = tuple(word for word in own if _PARAMETER.fullmatch(word))
    return params, tuple(word for word in own if word not in params)
