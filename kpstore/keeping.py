"""What is kept of the past for the way back; the rest is swept.

Kept on a TFTP root: what is live, the last generations, for each image the newest
generation of each of its newest good payloads, and what is younger than the grace
time. In an image tree: what is live and one known-good. Artifacts: what those, main
and the drafts name.
"""

from collections.abc import Iterator

from kpstore.errors import CorruptState, NotFound
from kpstore.health.retention import Good, good_payloads
from kpstore.history import drafts
from kpstore.history.revisions import Query
from kpstore.history.snapshot import Snapshot
from kpstore.model.boot import Boot, boot_of
from kpstore.model.documents import KernelConfig
from kpstore.model.keys import Key
from kpstore.model.state import State
from kpstore.publish.tftp import TftpTarget
from kpstore.rollback import default_boot
from kpstore.site.opened import OpenSite
from kpstore.targets import SiteTarget

_Generation = tuple[int, str]  # revision, commit


class Keeping:
    """What one site keeps, as main says at one time (seconds since 1970)."""

    def __init__(self, site: OpenSite, main: Snapshot, now: float) -> None:
        self._site = site
        self._main = main
        self._now = now
        self._state = State(main)
        self._rules = self._state.site().retention
        self._good = good_payloads(self._state)
        self._defaults: dict[tuple[str, str | None, str | None], str] = {}

    def sweep_targets(self) -> None:
        """Remove from the targets that are kp's to change what nobody needs."""
        for target in self._targets():
            publisher = target.publisher
            if isinstance(publisher, TftpTarget):
                kept = [commit for _, commit in self._generations(publisher)]
                publisher.sweep(kept, now=self._now, grace=self._rules.grace)
            elif publisher is not None:
                kernels = self._known_good(publisher.image)
                refs = [ref for kernel in kernels for ref in kernel.artifacts.refs()]
                releases = {kernel.release for kernel in kernels}
                publisher.sweep({ref.sha256[:12] for ref in refs}, releases)

    def artifacts(self) -> set[str]:
        """Return the SHA-256s that must stay in the store."""
        found = set(self._drafted())
        seen: set[str | None] = set()
        for commit in dict.fromkeys(self._commits()):
            snapshot = Snapshot(self._site.repository, commit)
            if snapshot.subtree("images") not in seen:
                seen.add(snapshot.subtree("images"))
                found.update(_artifacts(snapshot))
        for target in self._site.targets(self._state):
            found.update(target.originals_kept().values())
        return found

    def _drafted(self) -> Iterator[str]:
        """Yield what drafts name; what a draft that can't be read names is unknown."""
        repository = self._site.repository
        for user in drafts.users(repository):
            try:
                tip = repository.tip(drafts.ref_of(user))
                yield from _artifacts(Snapshot(repository, tip))
            except CorruptState as error:
                raise CorruptState(
                    f"the draft of {user}: {error.message}",
                    hint=f"{user} drops it by kp discard",
                ) from error

    def _commits(self) -> Iterator[str]:
        """Yield the commits whose artifacts are needed."""
        assert self._main.commit
        yield self._main.commit
        yield from self._young()
        said = {good.revision for goods in self._good.values() for good in goods}
        yield from (c for c in map(self._commit_of, sorted(said)) if c)
        for target in self._targets():
            if isinstance(target.publisher, TftpTarget):
                yield from (each for _, each in self._generations(target.publisher))

    def _young(self) -> Iterator[str]:
        """Yield what was main within the grace time."""
        since = int(self._now - self._rules.grace)
        young = self._site.revisions(Query(since=since))
        yield from (revision.commit for revision in young)
        if young and young[-1].number > 1:
            yield self._site.resolve(f"r{young[-1].number - 1}")

    def _targets(self) -> Iterator[SiteTarget]:
        """Yield those that nobody holds and that are not another's."""
        for target in self._site.targets(self._state):
            condition = target.condition(self._main.subtree, self._site.on_main)
            if condition in ("live", "lagging"):
                yield target

    # --- generations

    def _generations(self, publisher: TftpTarget) -> list[_Generation]:
        """Return the generations that stay: the last ones, and good ones.

        One that a killed writer staged and never committed is not among them.
        """
        made = [
            (revision, commit)
            for revision, digits in publisher.generations()
            if (commit := self._commit_of(revision)) and commit.startswith(digits)
        ]
        kept = made[-self._rules.generations :]
        for image, goods in self._good.items():
            kept += [g for good in goods if (g := self._newest_of(image, good, made))]
        return kept

    def _newest_of(
        self, image: str, good: Good, made: list[_Generation]
    ) -> _Generation | None:
        """Return the newest generation in which the payload is the image's default.

        That of the verdict's day, where the verdict is of an entry that was none.
        """
        for generation in reversed(made):
            if self._default_of(image, generation[1]) == good.payload:
                return generation
        before = [generation for generation in made if generation[0] <= good.revision]
        return before[-1] if before else None

    def _default_of(self, image: str, commit: str) -> str:
        """Return the payload of an image's default in a commit; '' without one."""
        snapshot = Snapshot(self._site.repository, commit)
        rules, content = snapshot.subtree("site.json"), f"images/{image}"
        key = (image, rules, snapshot.subtree(content))
        if key not in self._defaults:
            try:
                boot = default_boot(snapshot, image)
            except NotFound:  # the state dangles
                boot = None
            self._defaults[key] = boot.payload.id if boot else ""
        return self._defaults[key]

    # --- an image tree

    def _known_good(self, image: str) -> list[KernelConfig]:
        """Return the kernels of the image's newest good payload."""
        for good in self._good.get(image, ())[:1]:
            commit = self._commit_of(good.revision)
            boot = self._boot_of(image, good, commit) if commit else None
            if boot:
                return [boot.kernel, *([boot.xen] if boot.xen else [])]
        return []

    def _boot_of(self, image: str, good: Good, commit: str) -> Boot | None:
        then = State(Snapshot(self._site.repository, commit))
        for name in then.names("entry", image):
            boot = boot_of(then, image, name)
            if boot.payload.id == good.payload:
                return boot
        return None

    def _commit_of(self, revision: int) -> str | None:
        try:
            return self._site.resolve(f"r{revision}")
        except NotFound:
            return None


def _artifacts(documents: Snapshot) -> Iterator[str]:
    for image in documents.names("image"):
        for name in documents.names("kernel", image):
            kernel = documents.get(Key("kernel", name, image))
            if isinstance(kernel, KernelConfig):
                yield from (ref.sha256 for ref in kernel.artifacts.refs())
