"""What targets say of themselves, read in a few small files: whose, and what.

For those who only look; `tftp.TftpTarget` and `tree.TreeTarget` publish.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

from kpstore.disk.beneath import Beneath
from kpstore.targets.tftp import quick as tftp_quick
from kpstore.targets.tftp.format import damage as tftp_damage
from kpstore.targets.tftp.format import state
from kpstore.targets.tftp.format.layout import Layout
from kpstore.targets.tftp.quick import Look
from kpstore.targets.tree import quick as tree_quick
from kpstore.targets.tree import records
from kpstore.targets.values import Finding, Identity, Marker


class ServedTftp:
    """A TFTP root, looked at. OSErrors pass raw; what is damaged is None."""

    def __init__(
        self, root: Path, loaders: Sequence[str], prefix: str, grub_dir: str
    ) -> None:
        self._layout = Layout(root, loaders, prefix, grub_dir)

    def identity(self) -> Identity | None:
        """Return whose target this is; None when it is absent, or can't be read."""
        return tftp_damage.known(self._layout)

    def damage(self) -> list[Finding]:
        """Name what keeps it from being judged: whose it is, or what is live."""
        return tftp_damage.damage(self._layout)

    def marker(self) -> Marker | None:
        """Return what is served; None before the first publish, or if it is damaged."""
        live = tftp_damage.trusted(self._layout)
        return live.state.marker if live else None

    def unfinished(self) -> bool:
        """Tell whether a crash left entry points on their way."""
        return bool(state.moving_to(self._layout))

    def stamps(self) -> dict[str, str]:
        """Return what `quick` compares; see `tftp_quick.stamps`."""
        return tftp_quick.stamps(self._layout)

    def quick(self, since: Mapping[str, str], *, files: bool = False) -> Look:
        """Look whether anything changed since `stamps`; see `tftp_quick.quick`."""
        return tftp_quick.quick(self._layout, since, files=files)


class ServedTree:
    """An image tree, looked at. OSErrors pass raw, but for a tree that isn't there."""

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

    def quick(self) -> list[Finding]:
        """Compare with what the marker says is served, in a few small reads.

        Without an identity or a marker kp's own small files are all that is told of.
        """
        with self._opened() as tree:
            return tree_quick.quick(tree) if tree else []

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
