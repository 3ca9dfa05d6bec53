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

from kpstore.discovery.files import SeenTree, same_bytes
from kpstore.discovery.installed import Installed, facts_of, installed_kernels
from kpstore.discovery.other_loaders import of_other_loaders
from kpstore.discovery.own_line import GRUB, of_grub, of_kernel_install
from kpstore.disk.beneath import Beneath
from kpstore.errors import NotFound
from kpstore.loaders.foreign import FOREIGN
from kpstore.loaders.listing import Listed, Listing, tokens
from kpstore.loaders.mounts import file_systems, find, holding
from kpstore.model.names import PARAMETER

_PARAMETER: Final = re.compile(PARAMETER)
_LOADERS_OWN: Final = ("BOOT_IMAGE=", "initrd=")
_DEVICE: Final = re.compile(r"^\([^)]*\)")
_SUBVOLUME: Final = re.compile(r"rootflags=(?:[^ ]*,)?subvol=/?([^,]+)[^ ]*")


class Booted(NamedTuple):
    """What one loader boots by default.

    `kernel` and `initrds` are paths in the tree, `hypervisor` one too, or as the loader
    has it, `hypervisor_words` its line; `params` the tokens of the kernel's line that
    kp's grammar has, `dropped` the others;
    `source` is the loader's file, empty where there is none, and one kernel to boot.
    """

    release: str
    kernel: str
    initrds: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    dropped: tuple[str, ...] = ()
    hypervisor: str = ""
    hypervisor_words: tuple[str, ...] = ()
    source: str = ""


@dataclass(frozen=True)
class DefaultKernel:
    """What the tree boots; None when it doesn't tell, then `candidates` are releases.

    `unread` says which loader files could not be understood, `lost` what a loader
    boots and the tree hasn't, and in what two loaders disagree.
    """

    booted: Booted | None
    candidates: tuple[str, ...]
    unread: tuple[str, ...] = ()
    lost: tuple[str, ...] = ()


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
    kernels, seen = installed_kernels(tree), SeenTree(tree)
    listings = [listing for each in FOREIGN for listing in each.read(seen)]
    unread = [line for listing in listings for line in listing.unread]
    if not any(each.choices for each in listings):
        unread += of_other_loaders(seen)
    reading = _Reading(tree, kernels)
    said = [
        booted
        for each in listings
        if each.chosen and (booted := reading.booted(each, each.chosen))
    ]
    usual = [each for each in kernels if not each.is_spare]
    if not said and len(usual) == 1:
        said = reading.only(usual[0], listings, is_told=bool(unread))
    reading.compare(said)
    releases = dict.fromkeys(each.release for each in kernels)
    releases |= dict.fromkeys(each.release for each in said)
    return DefaultKernel(
        said[0] if said and not reading.disputes else None,
        tuple(releases),
        tuple(unread),
        tuple(dict.fromkeys((*reading.lost, *reading.disputes))),
    )


class _Reading:
    """What loaders' files say, held against what the tree has, and each other.

    `lost` is not there; `disputes` are in what they disagree.
    """

    def __init__(self, tree: Beneath, kernels: Sequence[Installed]) -> None:
        self._tree = tree
        self._seen = SeenTree(tree)
        self._systems = file_systems(self._seen)
        self._known = {each.kernel: each.release for each in kernels}
        self.lost: list[str] = []
        self.disputes: list[str] = []

    def compare(self, said: Sequence[Booted]) -> None:
        """Note in what loaders disagree: which of them is started, no tree tells."""
        for other in said[1:]:
            mine, theirs = _told(said[0]), _told(other)
            if mine == theirs and not self._alike(said[0], other):
                mine, theirs = (" with ".join(_files(x)) for x in (said[0], other))
            if mine != theirs:
                self.disputes.append(
                    f"{said[0].source} boots {mine}, and {other.source} boots {theirs}"
                )

    def _alike(self, one: Booted, other: Booted) -> bool:
        """Tell whether two loaders load the same, were it from other files."""
        pairs = [*zip(_files(one), _files(other), strict=False)]
        return len(_files(one)) == len(_files(other)) and all(
            first == second or same_bytes(self._tree, first, second)
            for first, second in pairs
        )

    def booted(self, listing: Listing, listed: Listed) -> Booted | None:
        """Return what a choice boots; None where its kernel or an initrd is lost.

        The loader itself would not boot it then, so a part of it is never taken.
        """
        source, named = listing.source, _DEVICE.sub("", listed.kernel)
        volume = _volume(listed.words)
        kernel = self.place(named, source, volume)
        release, why = self._release(kernel) if named else ("", "is no Linux kernel")
        if not kernel or not release:
            what = named or listed.title or listed.ident
            self.lost.append(f"{source} boots {what}, which {why}")
            return None
        initrds = {path: self.place(path, source, volume) for path in listed.initrds}
        gone = [_DEVICE.sub("", path) for path, found in initrds.items() if not found]
        self.lost += [
            f"{source} boots {named} with the initrd {path}, which is not in the tree"
            for path in gone
        ]
        params, dropped = _parameters(listed.words)
        found = Booted(
            release,
            kernel,
            tuple(path for path in initrds.values() if path),
            params,
            dropped,
            self.place(listed.hypervisor, source) or listed.hypervisor,
            listed.hypervisor_words,
            source,
        )
        return None if gone else found

    def only(
        self, kernel: Installed, listings: Sequence[Listing], *, is_told: bool
    ) -> list[Booted]:
        """Boot the one kernel, as the first choice does that boots it; none without.

        Where there is no loader (`is_told`: nor one that can't be read), what would
        write its file says with what parameters.
        """
        for listing in listings:
            for each in _flat(listing.choices):
                volume = _volume(each.words)
                place = self.place(each.kernel, listing.source, volume)
                if place == kernel.kernel:
                    booted = self.booted(listing, each)
                    return [booted] if booted else []
        if is_told or any(listing.choices for listing in listings):
            return []
        parts = (kernel.release, kernel.kernel, kernel.initrds)
        line: str | None = of_kernel_install(self._seen)
        if not line and (line := of_grub(self._seen)) != "":
            what = "only a shell could fill in" if line is None else "are taken"
            self.lost.append(f"{GRUB}, without a grub.cfg: its parameters {what}")
        return [] if line is None else [Booted(*parts, *_parameters(tokens(line)))]

    def place(self, path: str, source: str, volume: str = "") -> str | None:
        """Return where a loader's path lies in the tree, if there is such a file.

        It counts from the root of a file system, or, extlinux's, from its folder;
        `volume` is that of the root, where fstab doesn't tell.
        """
        path, on = _DEVICE.sub("", path), holding(self._systems, source)
        if path and not path.startswith("/"):
            path = f"/{posixpath.dirname(source)}/{path}"
        inner = path.removeprefix(volume)
        paths = (path, inner) if inner.startswith("/") else (path,)
        places = (find(self._seen, each, on) for each in paths)
        return next(
            (each for each in places if each and self._seen.is_file(each)), None
        )

    def _release(self, kernel: str | None) -> tuple[str, str]:
        """Return the release of what a loader boots, or why it can't be taken."""
        if kernel is None:
            return "", "is not in the tree"
        if kernel in self._known:
            return self._known[kernel], ""
        facts = facts_of(self._tree, kernel)
        return (facts.release, "") if facts else ("", "is no kernel that kp knows")


def _told(booted: Booted) -> str:
    xen = " ".join((booted.hypervisor, *booted.hypervisor_words))
    under = f" under {xen}" if booted.hypervisor else ""
    line = " ".join((*booted.params, *booted.dropped))
    return f"{booted.release}{under} by {f'the line {line}' if line else 'no line'}"


def _files(booted: Booted) -> tuple[str, ...]:
    return booted.kernel, *booted.initrds


def _volume(words: Iterable[str]) -> str:
    """Return the subvolume of a btrfs root, as the command line names it."""
    found = [match for word in words if (match := _SUBVOLUME.fullmatch(word))]
    return f"/{found[-1][1]}" if found else ""


def _flat(choices: Iterable[Listed]) -> Iterator[Listed]:
    for each in choices:
        yield each
        yield from _flat(each.children)


def _parameters(words: Iterable[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return the tokens that kp's grammar has, and the others."""
    own = [word for word in words if not word.startswith(_LOADERS_OWN)]
    params = tuple(word for word in own if _PARAMETER.fullmatch(word))
    return params, tuple(word for word in own if word not in params)
