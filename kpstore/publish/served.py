"""What targets say of themselves, read in a few small files: whose, and what.

For those who only look; `tftp.TftpTarget` and `tree.TreeTarget` publish.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path

from kpstore.disk.beneath import Beneath
from kpstore.publish import tftp_quick, tftp_state, tree_layout, tree_quick
from kpstore.publish.target import Finding, Identity, Marker
from kpstore.publish.tftp_layout import LIVE, Layout


class ServedTftp:
    """A TFTP root, looked at. OSErrors pass raw; CorruptState for damage."""

    def __init__(
        self, root: Path, loaders: Sequence[str], prefix: str, grub_dir: str
    ) -> None:
        self._layout = Layout(root, loaders, prefix, grub_dir)

    def identity(self) -> Identity | None:
        """Return whose target this is; None when it is absent."""
        return tftp_state.read_identity(self._layout)

    def marker(self) -> Marker | None:
        """Return what is served, None before the first publish."""
        live = tftp_state.read_live(self._layout)
        return live.state.marker if live else None

    def unfinished(self) -> bool:
        """Tell whether a crash left entry points on their way."""
        return bool(tftp_state.moving_to(self._layout))

    def stamps(self) -> dict[str, str]:
        """Return what `quick` compares; see `tftp_quick.stamps`."""
        return tftp_quick.stamps(self._layout)

    def quick(self, since: Mapping[str, str]) -> list[Finding] | None:
        """Look whether anything changed since `stamps`.

        None when nothing is known: after a switch that was not noted, since its
        writer was killed.
        """
        live = tftp_state.read_live(self._layout)
        if live is None or since.get(LIVE) != live.name:
            return None
        return tftp_quick.quick(self._layout, since)


class ServedTree:
    """An image tree, looked at. OSErrors pass raw."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def identity(self) -> Identity | None:
        """Return whose target this is; None when it is absent."""
        try:
            with Beneath.open(self._root) as tree:
                return tree_layout.read_identity(tree)
        except (FileNotFoundError, NotADirectoryError):
            return None

    def marker(self) -> Marker | None:
        """Return what is served; None in transition and before the first publish."""
        with Beneath.open(self._root) as tree:
            live = tree_layout.read_live(tree)
        return live.marker if live else None

    def unfinished(self) -> bool:
        """Tell whether the tree is in transition: a switch began and did not end."""
        with Beneath.open(self._root) as tree:
            claimed = bool(tree_layout.read_claims(tree).files)
            return claimed and tree_layout.read_live(tree) is None

    def quick(self) -> list[Finding]:
        """Compare with what the marker says is served, in a few small reads."""
        with Beneath.open(self._root) as tree:
            return tree_quick.quick(tree)
