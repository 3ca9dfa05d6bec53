"""What is asked of history, and its answers; free of models and of git's formats."""

from typing import NamedTuple

from kpstore.errors import InvalidInput
from kpstore.history import paths
from kpstore.history.git import trees
from kpstore.history.git.repository import Repository
from kpstore.history.paths import Place


class Revision(NamedTuple):
    """One line of `kp log`; `author` is the person's name, `time` as in git, UTC."""

    number: int
    commit: str
    time: int
    author: str
    op: str
    subject: str


class Touch(NamedTuple):
    """A document that a revision must have touched; `within` None: of any image."""

    kind: str
    name: str
    within: str | None = ""

    def fits(self, place: Place) -> bool:
        """Tell whether a touched document is the one meant."""
        kind, name, within = place
        return (kind, name) == self[:2] and self.within in (None, within)


class Query(NamedTuple):
    """Which revisions; what is left out doesn't matter.

    `node`: what changed its document, or what it boots. `entry` and `kernel` are
    `IMAGE/NAME` or, with or without `image`, NAME; `since` and `until` are seconds
    since 1970, both included.
    """

    image: str | None = None
    node: str | None = None
    entry: str | None = None
    kernel: str | None = None
    author: str | None = None
    op: str | None = None
    since: int | None = None
    until: int | None = None
    limit: int | None = None

    @property
    def touches(self) -> list[Touch]:
        """Return the documents that must have been touched; a node is another thing."""
        found = [self._within("entry", self.entry), self._within("kernel", self.kernel)]
        if self.image is not None:
            found.append(Touch("image", self.image))
        return [touch for touch in found if touch]

    def fits(self, revision: Revision) -> bool:
        """Tell whether author, operation and time fit."""
        return (
            self.author in (None, revision.author)
            and self.op in (None, revision.op)
            and (self.since is None or revision.time >= self.since)
            and (self.until is None or revision.time <= self.until)
        )

    def _within(self, kind: str, text: str | None) -> Touch | None:
        if text is None:
            return None
        within, slash, name = text.rpartition("/")
        if slash and self.image not in (None, within):
            raise InvalidInput(
                f"{kind} {text} is not of image {self.image}",
                hint="name one of that image, or ask of no image",
            )
        return Touch(kind, name, within if slash else self.image)


def touched(repository: Repository, old: str | None, new: str | None) -> set[Place]:
    """Return the documents that differ between two trees.

    Whatever lies within an image touches the image as well.
    """
    found: set[Place] = set()
    for path, was, now in trees.compare(repository, old, new):
        if paths.shard_in(path):
            before = repository.blob(was.id) if was else b""
            after = repository.blob(now.id) if now else b""
            found |= {("node", n, "") for n in paths.changed_nodes(before, after)}
        elif place := paths.place_of(path):
            found |= with_image(place)
    return found


def with_image(place: Place) -> set[Place]:
    """Return a document with the image that it is part of."""
    kind, name, within = place
    image = within or (name if kind == "rollout" else "")
    return {place, ("image", image, "")} if image else {place}
