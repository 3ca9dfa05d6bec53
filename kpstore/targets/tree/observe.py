"""What an image tree says of itself, read in a few small files: whose, and what."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from types import MappingProxyType

from kpstore.disk.beneath import Beneath
from kpstore.targets.spec import TargetSpec
from kpstore.targets.tree import quick as tree_quick
from kpstore.targets.tree import records
from kpstore.targets.values import Finding, Identity, Look, Marker

_NO_STAMPS: Mapping[str, str] = MappingProxyType({})


class ServedTree:
    """An image tree, looked at. OSErrors pass raw, but for a tree that isn't there."""

    by_stamps = False

    def __init__(self, root: Path) -> None:
        self._root = root

    def identity(self) -> Identity | None:
        """Return whose target this is; None when it is absent."""
        with self._opened() as tree:
            return records.read_identity(tree) if tree else None

    def marker(self) -> Marker | None:
        """Return what is served; None in transition and before the first publish."""
        with self._opened() as tree:
            live = records.read_live(tree) if tree else None
        return live.marker if live else None

    def unfinished(self) -> bool:
        """Tell whether the tree is in transition: a switch began and did not end."""
        with self._opened() as tree:
            return tree is not None and records.is_unfinished(tree)

    def stamps(
        self, since: Mapping[str, str] = _NO_STAMPS, *, files: bool = False
    ) -> Mapping[str, str]:
        """Return nothing: the marker has the digests of all that is served."""
        del since, files
        return _NO_STAMPS

    def quick(
        self, since: Mapping[str, str] = _NO_STAMPS, *, files: bool = False
    ) -> Look:
        """Compare with what the marker says is served, in a few small reads.

        Without an identity or a marker kp's own small files are all that is told of.
        """
        del since, files
        with self._opened() as tree:
            return Look(tree_quick.quick(tree) if tree else [], sure=True)

    def damage(self) -> list[Finding]:
        """Name what keeps it from being judged: whose it is, or what is live."""
        with self._opened() as tree:
            return tree_quick.damage(tree) if tree else []

    @contextmanager
    def _opened(self) -> Iterator[Beneath | None]:
        try:
            tree = Beneath.open(self._root)
        except (FileNotFoundError, NotADirectoryError):
            yield None
            return
        with tree:
            yield tree


class TreeObserver:
    """Image trees, as far as looking goes."""

    name = "image"
    order = 0
    replaces = True

    def inputs(self, spec: TargetSpec) -> Sequence[str]:
        """Return the image: groups and nodes don't reach its own disk."""
        return (f"images/{spec.image}",)

    def observe(self, spec: TargetSpec, root: Path) -> ServedTree:
        """Return a tree, to be looked at."""
        del spec
        return ServedTree(root)
