"""What a TFTP root says of itself, read in a few small files: whose, and what."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Final

from kpstore.targets.spec import TargetSpec
from kpstore.targets.tftp import quick as tftp_quick
from kpstore.targets.tftp.format import damage as tftp_damage
from kpstore.targets.tftp.format import shelves, state
from kpstore.targets.tftp.format.layout import Layout
from kpstore.targets.values import Finding, Identity, Look, Marker

_NO_STAMPS: Final[Mapping[str, str]] = MappingProxyType({})


class ServedTftp:
    """A TFTP root, looked at. OSErrors pass raw; what is damaged is None."""

    by_stamps = True

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._looked = False  # has this object seen whether shelves are as they were?

    def identity(self) -> Identity | None:
        """Return whose target this is; None when it is absent, or can't be read."""
        return tftp_damage.known(self._layout)

    def damage(self) -> list[Finding]:
        """Name what keeps it from being judged: whose it is, or what is live."""
        return tftp_damage.damage(self._layout)

    def marker(self) -> Marker | None:
        """Return what is served; None before the first publish, or if it is damaged."""
        if not self._looked:
            shelves.look_again(self._layout)
            self._looked = True
        live = tftp_damage.trusted(self._layout)
        return live.state.marker if live else None

    def unfinished(self) -> bool:
        """Tell whether a crash left entry points on their way."""
        return bool(state.moving_to(self._layout))

    def stamps(
        self, since: Mapping[str, str] = _NO_STAMPS, *, files: bool = False
    ) -> dict[str, str]:
        """Return what `quick` compares; see `tftp_quick.stamps`."""
        return tftp_quick.stamps(self._layout, since, files=files)

    def quick(self, since: Mapping[str, str], *, files: bool = False) -> Look:
        """Look whether anything changed since `stamps`; see `tftp_quick.quick`."""
        self._looked = True
        return tftp_quick.quick(self._layout, since, files=files)


class TftpObserver:
    """TFTP roots, as far as looking goes."""

    name = "tftp"
    order = 1  # after the image trees: a node may boot from its disk meanwhile
    replaces = False

    def inputs(self, spec: TargetSpec) -> Sequence[str]:
        """Return all that decides what nodes boot."""
        del spec
        return ("images", "nodes", "groups")

    def observe(self, spec: TargetSpec, root: Path) -> ServedTftp:
        """Return a root, to be looked at."""
        return ServedTftp(Layout(root, spec.loaders, spec.prefix, spec.lookups))
