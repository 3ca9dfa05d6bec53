"""What is kept of the past for the way back; the rest is swept.

Kept on a TFTP root: what is live, the last generations, and for each image the newest
generation of each of its newest good payloads; of all others, for the grace time,
menus and the kernels that they name. In an image tree: what is live and one
known-good. Artifacts: what main, the drafts, and every target name, in whatever
condition; of one that is away, what was noted when it was last seen.
docs/architecture.md has the table of who asks whom.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import suppress

from kpstore.errors import InvalidInput, KpError, NotFound, Refused
from kpstore.health.retention import Good, good_payloads
from kpstore.history import owners
from kpstore.history.draft_chain import chain
from kpstore.history.index.database import Index
from kpstore.history.revisions import Query
from kpstore.history.snapshot import Snapshot
from kpstore.model.boot import Boot, boot_of, default_boot
from kpstore.model.documents import KernelConfig
from kpstore.model.keys import Key
from kpstore.model.state import State
from kpstore.operations.defaults import defaults_of, remember
from kpstore.site.opened import OpenSite
from kpstore.site.targets import SiteTarget
from kpstore.targets.keep import Keep
from kpstore.targets.values import Held

_Generation = tuple[int, str]  # revision, commit


class Keeping:
    """What one site keeps, as main says at one time (seconds since 1970)."""

    def __init__(self, site: OpenSite, main: Snapshot, now: float) -> None:
        self._site = site
        self._main = main
        self._now = now
        self._state = State(main)
        self._rules = self._state.site().retention
        self._had = defaults_of(site, main)
        self._good = good_payloads(self._state, self._had)
        self._defaults: dict[tuple[str, str | None, str | None], str] = {}
        self.unread = ""

    def sweep_targets(self) -> list[str]:
        """Remove from the targets that are kp's to change what nobody needs.

        Returns why some were not swept. Those that can be asked are noted with what
        they hold then.
        """
        remember(self._site, self._main, self._had)
        refused = []
        for target in self._swept():
            try:
                self._sweep(target)
            except (KpError, OSError) as error:
                refused.append(f"target {target.name}: {error}")
                self._site.doubt = refused[-1]  # the next writer looks for its temps
        asked = ((t.name, t.held()) for t in self._site.every_target(self._state))
        self._site.seen.write({name: held for name, held in asked if held})
        return refused

    def _sweep(self, target: SiteTarget) -> None:
        made = target.publisher.generations() if target.publisher else []
        kernels = self._known_good(target.spec.image) if target.spec.image else []
        memory = _Needs(self._site.index)
        target.sweep(
            Keep(
                commits=[commit for _, commit in self._generations(made)],
                artifacts={ref.sha256 for k in kernels for ref in k.artifacts.refs()},
                releases={kernel.release for kernel in kernels},
                now=self._now,
                grace=self._rules.grace,
                remembered=memory,
            )
        )
        memory.keep()

    def artifacts(self) -> set[str]:
        """Return the SHA-256s that must stay in the store.

        All of them while a draft can't be read: `unread` says which and why. Refused
        when it can't be known: of a target that is away nobody noted anything.
        """
        held = self._held()
        found = set(self._drafted())
        seen: set[str | None] = set()
        for commit in dict.fromkeys(self._commits(held)):
            snapshot = Snapshot(self._site.repository, commit)
            if snapshot.subtree("images") not in seen:
                seen.add(snapshot.subtree("images"))
                found.update(_artifacts(snapshot))
        for each in held.values():
            found.update((*each.objects, *each.originals.values()))
        return found

    def _held(self) -> dict[str, Held]:
        """Return what lies on each target, in whatever condition, or lay there last.

        Of targets that were removed while they were away, too: their originals.
        """
        seen, found = self._site.seen, dict[str, Held]()
        for target in self._site.every_target(self._state):
            held = target.held() or seen.read(target.name)
            if held is None:
                raise Refused(
                    f"nothing is swept: target {target.name} can't be asked what it "
                    "needs, and nothing is noted of it",
                    hint=f"mount it, or kp target rm {target.name}",
                )
            found[target.name] = held
        gone = {name: seen.read(name) for name in seen.names() if name not in found}
        return found | {name: held for name, held in gone.items() if held}

    def _drafted(self) -> Iterator[str]:
        """Yield what drafts name, whoever wrote them; where that is unknown, all.

        Saved ones and earlier edits count, too: load and undo go back there.
        """
        repository, whose = self._site.repository, "drafts"
        seen: set[str | None] = set()
        try:
            for user, name in owners.every(repository):
                whose = f"{owners.called(user, name)} ({owners.way_out(user, name)})"
                ref = owners.saved_ref(user, name) if name else owners.ref_of(user)
                tip = repository.tip(ref)
                for commit in self._edits(tip) if tip else ():
                    snapshot = Snapshot(repository, commit)
                    if snapshot.subtree("images") not in seen:
                        seen.add(snapshot.subtree("images"))
                        yield from _artifacts(snapshot)
        except KpError as error:
            self.unread = f"{whose}: {error.message}"
            yield from (stored.sha256 for stored in self._site.artifacts)

    def _edits(self, tip: str) -> list[str]:
        """Return the commits of a draft; the tip of one that isn't on main."""
        try:
            found = chain(self._site.repository, tip, self._site.on_main)
        except InvalidInput:
            return [tip]
        return [commit.id for commit in found.commits]

    def _commits(self, held: Mapping[str, Held]) -> Iterator[str]:
        """Yield the commits whose artifacts are needed."""
        assert self._main.commit
        yield self._main.commit
        yield from self._young()
        said = {good.revision for goods in self._good.values() for good in goods}
        yield from (c for c in map(self._commit_of, sorted(said)) if c)
        swept = {target.name for target in self._swept()}
        for name, each in held.items():
            made = each.generations
            kept = self._generations(made) if name in swept else self._made(made)
            yield from (commit for _, commit in (*kept, *self._made(made[-1:])))

    def _young(self) -> Iterator[str]:
        """Yield what was main within the grace time."""
        since = int(self._now - self._rules.grace)
        young = self._site.revisions(Query(since=since))
        yield from (revision.commit for revision in young)
        if young and young[-1].number > 1:
            yield self._site.resolve(f"r{young[-1].number - 1}")

    def _swept(self) -> Iterator[SiteTarget]:
        """Yield those that nobody holds and that are not another's."""
        for target in self._site.targets(self._state):
            with suppress(KpError, OSError):
                condition = target.condition(self._main.subtree, self._site.on_main)
                if condition in ("live", "lagging"):
                    yield target

    # --- generations

    def _generations(self, made: Sequence[_Generation]) -> list[_Generation]:
        """Return the generations that stay: the last ones, and good ones."""
        known = self._made(made)
        kept = known[-self._rules.generations :]
        for image, goods in self._good.items():
            kept += [g for good in goods if (g := self._newest_of(image, good, known))]
        return kept

    def _made(self, made: Iterable[_Generation]) -> list[_Generation]:
        """Return those of commits on main, with the whole commit id.

        One that a killed writer staged and never committed is not among them.
        """
        return [
            (revision, commit)
            for revision, digits in made
            if (commit := self._commit_of(revision)) and commit.startswith(digits)
        ]

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
            boot = default_boot(snapshot, image)
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
            with suppress(NotFound):  # it dangles
                boot = boot_of(then, image, name)
                if boot.payload.id == good.payload:
                    return boot
        return None

    def _commit_of(self, revision: int) -> str | None:
        try:
            return self._site.resolve(f"r{revision}")
        except NotFound:
            return None


class _Needs(dict[str, frozenset[str]]):
    """What the index remembers of parts, and what was found new."""

    def __init__(self, index: Index | None) -> None:
        super().__init__()
        self._index = index

    def get(self, part: str) -> frozenset[str] | None:  # type: ignore[override]
        if part in self or self._index is None:
            return super().get(part)
        with suppress(KpError):  # the index is only an aid
            noted = self._index.noted(_note(part))
            return None if noted is None else frozenset(noted.split())
        return None

    def put(self, part: str, needs: frozenset[str]) -> None:
        self[part] = needs

    def keep(self) -> None:
        """Have the index remember what is new."""
        if self._index and self:
            with suppress(KpError):
                self._index.note({_note(p): " ".join(n) for p, n in self.items()})


def _note(part: str) -> str:
    return f"needs {part}"


def _artifacts(documents: Snapshot) -> Iterator[str]:
    for image in documents.names("image"):
        for name in documents.names("kernel", image):
            kernel = documents.get(Key("kernel", name, image))
            if isinstance(kernel, KernelConfig):
                yield from (ref.sha256 for ref in kernel.artifacts.refs())
