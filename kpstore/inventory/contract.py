"""What an importer fulfils: files of another system in, nodes and groups out."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Protocol

from kpstore.errors import InvalidInput
from kpstore.model.documents import Node
from kpstore.model.folding import fold
from kpstore.model.names import missing


@dataclass(frozen=True)
class Imported:
    """What was read: nodes in the files' order, and which of them each group names.

    `images` has the place that names each image first (file, line, column), one given
    for all nodes is not among them. `unread` names by file and line what could not
    be understood.
    """

    nodes: list[Node]
    groups: dict[str, list[str]] = field(default_factory=dict)
    images: dict[str, str] = field(default_factory=dict)
    unread: tuple[str, ...] = ()

    def split(self, names: Collection[str]) -> tuple["Imported", list[str]]:
        """Return what was read of these nodes, and the names of the others.

        InvalidInput where the files don't have one of them.
        """
        wanted, found = frozenset(names), {node.name for node in self.nodes}
        if lacking := wanted - found:
            rows = "row" if len(lacking) == 1 else "rows"
            raise InvalidInput(
                f"no {rows} for {fold(lacking)} in the table",
                hint="each node of the set has a line there: name,mac",
            )
        theirs = {
            group: inside
            for group, nodes in self.groups.items()
            if (inside := [name for name in nodes if name in wanted])
        }
        nodes = [node for node in self.nodes if node.name in wanted]
        images = {node.image for node in nodes}
        named = {i: place for i, place in self.images.items() if i in images}
        of_them = replace(self, nodes=nodes, groups=theirs, images=named)
        return of_them, sorted(found - wanted)

    def check_images(self, known: Collection[str]) -> None:
        """InvalidInput, by its place, for an image that isn't known."""
        for image, place in self.images.items():
            if image not in known:
                error = missing("image", image, known)
                raise InvalidInput(f"{place}: {error.message}", hint=error.hint)


class Importer(Protocol):
    """Reads what another system knows of nodes; it opens no file and runs nothing."""

    @property
    def name(self) -> str:
        """The word for `--format`."""

    def read(self, files: Mapping[str, bytes], image: str | None) -> Imported:
        """Read files by their names; `image` is that of nodes that name none.

        Raises InvalidInput, by file and line, for what can't be read or comes twice.
        """
