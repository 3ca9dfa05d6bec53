"""Boot state: the documents of one commit, with edits laid over them."""

from collections.abc import Iterator, Mapping
from typing import Protocol, TypeVar

from kpstore.errors import InvalidInput, Refused
from kpstore.model.documents import (
    BootConfig,
    Document,
    Group,
    Image,
    KernelConfig,
    Node,
    Site,
    Target,
    Verdict,
)
from kpstore.model.keys import MODELS, Key, Kind
from kpstore.model.names import check_name, missing

Changes = Mapping[Key, Document | None]
_D = TypeVar("_D", bound=Document)


class Documents(Protocol):
    """What can be read of one commit; nothing is loaded before it is asked for."""

    def get(self, key: Key) -> Document | None:
        """Return the document, or None."""

    def names(self, kind: Kind, within: str = "") -> list[str]:
        """Return the sorted names of a kind, of entries and kernels within an image."""

    def nodes(self) -> Iterator[Node]:
        """Read every node, in the order of storage."""


class Empty:
    """The state before the first commit."""

    def get(self, key: Key) -> Document | None:
        """Nothing is there."""
        return None

    def names(self, kind: Kind, within: str = "") -> list[str]:
        """Nothing is there."""
        return []

    def nodes(self) -> Iterator[Node]:
        """Nothing is there."""
        return iter(())


class State:
    """A base and the changes laid over it; reads see both, the base stays as it is."""

    def __init__(self, base: Documents, changes: Changes | None = None) -> None:
        self.base = base
        self._changes: dict[Key, Document | None] = dict(changes or {})
        self._settled: dict[Key, Document | None] | None = None

    @property
    def changes(self) -> dict[Key, Document | None]:
        """What differs from the base: key -> new document, None for removed."""
        if self._settled is None:
            self._settled = {
                key: document
                for key, document in self._changes.items()
                if self.base.get(key) != document
            }
        return self._settled

    def get(self, key: Key) -> Document | None:
        """Return the document as edited, or None."""
        return self._changes[key] if key in self._changes else self.base.get(key)

    def names(self, kind: Kind, within: str = "") -> list[str]:
        """Return the sorted names of a kind as edited."""
        found = set(self.base.names(kind, within))
        for key, document in self._changes.items():
            if key.kind == kind and key.within == within:
                (found.discard if document is None else found.add)(key.name)
        return sorted(found)

    def nodes(self) -> Iterator[Node]:
        """Read every node as edited."""
        for node in self.base.nodes():
            if Key("node", node.name) not in self._changes:
                yield node
        for document in self._changes.values():
            if isinstance(document, Node):
                yield document

    def add(self, key: Key, document: Document) -> None:
        """Add a document; Refused when its name is taken, by case folding too."""
        check_name(key.name, key.kind)
        for other in self.names(key.kind, key.within):
            if other.casefold() == key.name.casefold():
                raise Refused(
                    f"{key.kind} {other} exists in {key.within or 'this site'}",
                    hint="choose another name, or change that one",
                )
        self.put(key, document)

    def put(self, key: Key, document: Document) -> None:
        """Add or replace a document."""
        if not isinstance(document, MODELS[key.kind]):
            raise TypeError(f"{key} takes a {MODELS[key.kind].__name__}")
        self._changes[key] = document
        self._settled = None

    def drop(self, key: Key) -> None:
        """Remove a document; NotFound when it isn't there."""
        if self.get(key) is None:
            raise missing(key.kind, key.name, self.names(key.kind, key.within))
        self._changes[key] = None
        self._settled = None

    def _need(self, kind: type[_D], key: Key) -> _D:
        document = self.get(key)
        if not isinstance(document, kind):
            raise missing(key.kind, key.name, self.names(key.kind, key.within))
        return document

    def site(self) -> Site:
        """Return the site's settings."""
        return self._need(Site, Key("site"))

    def image(self, name: str) -> Image:
        """Return an image; NotFound names the nearest."""
        return self._need(Image, Key("image", name))

    def entry(self, image: str, name: str) -> BootConfig:
        """Return a boot entry of an image."""
        self.image(image)
        return self._need(BootConfig, Key("entry", name, image))

    def kernel(self, image: str, name: str) -> KernelConfig:
        """Return a kernel of an image."""
        self.image(image)
        return self._need(KernelConfig, Key("kernel", name, image))

    def group(self, name: str) -> Group:
        """Return a group."""
        return self._need(Group, Key("group", name))

    def target(self, name: str) -> Target:
        """Return a target."""
        return self._need(Target, Key("target", name))

    def node(self, name: str) -> Node:
        """Return a node."""
        return self._need(Node, Key("node", name))

    def verdict(self, payload: str) -> Verdict | None:
        """Return what is known of a payload, or None."""
        document = self.get(Key("verdict", payload))
        return document if isinstance(document, Verdict) else None

    def groups(self) -> dict[str, Group]:
        """Return all groups by name."""
        return {name: self.group(name) for name in self.names("group")}


def check_casefold(names: list[str], what: str) -> None:
    """InvalidInput when two names differ by case only."""
    seen: dict[str, str] = {}
    for name in names:
        other = seen.setdefault(name.casefold(), name)
        if other != name:
            raise InvalidInput(
                f"{what} {name!r} and {other!r} differ by case only",
                hint="choose another name",
            )
