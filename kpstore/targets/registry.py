"""The kinds of targets. A new one is a folder, a line here and one in `observers`."""

from typing import Final

from kpstore.targets.contract import Kind
from kpstore.targets.tftp.kind import TftpKind
from kpstore.targets.tree.kind import TreeKind

_KINDS: Final[tuple[Kind, ...]] = (TftpKind(), TreeKind())

KINDS: Final[dict[str, Kind]] = {kind.name: kind for kind in _KINDS}
