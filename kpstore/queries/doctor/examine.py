"""Examining a site for `kp doctor`: what is amiss, and how each thing is mended.

Whatever is damaged, the rest is examined all the same. Reads only, without a lock; but
for the hook that keeps pushes from harm: that is renewed.
"""

import os
from collections.abc import Callable, Iterator
from shlex import quote
from typing import Final, Literal, NamedTuple

from kpstore.disk.locks import SiteLock
from kpstore.errors import CorruptState, KpError
from kpstore.history import drafts, owners, walk
from kpstore.history.git import fittings, hook, packs, trees
from kpstore.history.git.create import RECORDS
from kpstore.history.index.connection import IndexFailed
from kpstore.history.index.database import Index
from kpstore.history.times import utc
from kpstore.model.documents import KernelConfig
from kpstore.model.keys import Key
from kpstore.queries.doctor.damaged_main import (
    artifact_back,
    aside,
    fitted,
    how_to_mend,
    pack_made_anew,
)
from kpstore.queries.requests import asked
from kpstore.queries.verify import verify
from kpstore.site.opened import OpenSite
from kpstore.targets.contract import Request
from kpstore.targets.values import Condition

Level = Literal["ok", "note", "bad"]

_CONDITIONS: Final[dict[Condition, tuple[Level, str]]] = {
    "live": ("ok", ""),
    "lagging": ("bad", "kp publish tries again and says why not"),
    "absent": ("bad", "mount it, or name its path in kp.toml"),
    "ahead": ("bad", "find out whose it is; kp publish --force TARGET takes it over"),
    "on hold": ("note", "a person holds it back"),
}
_PATIENCE: Final = 5.0  # seconds for the lock
_KEPT: Final = "leave it, or move it away"


class Finding(NamedTuple):
    """What was found of one thing; `mend` says what to do about it."""

    about: str
    level: Level
    text: str
    mend: str = ""


def _mend(target: str, condition: Condition) -> str:
    adopt = f"kp target adopt {target}, then "
    return f"{adopt if condition == 'absent' else ''}kp publish"


class Checkup:
    """One site, examined at a time; `deep` reads every artifact and all of history.

    `user` is named where the lock is held: to renew the hook.
    """

    def __init__(
        self, site: OpenSite, now: float, user: str, *, deep: bool = False
    ) -> None:
        self.site = site
        self.now = now
        self.user = user
        self.deep = deep
        self._told = set[str]()

    def examine(self) -> Iterator[Finding]:
        """Yield what is found."""
        looks = {
            "settings": self._settings,
            "lock": self._lock,
            "hook": self._hook,
            "repository": self._repository,
            "main": self._main,
            "paths": self._paths,
            "history": self._history,
            "artifacts": self._artifacts,
            "index": self._index,
            "drafts": self._drafts,
            "targets": self._targets,
        }
        for about, look in looks.items():
            yield from self._guarded(look, about)

    def history(self) -> list[Finding]:
        """Return what of history or of main's artifacts is damaged or gone."""
        found = (
            *self._guarded(self._main, "main"),
            *self._guarded(self._history, "history"),
            *self._guarded(self._artifacts, "artifacts"),
        )
        return [each for each in found if each.level == "bad"]

    def asked(self) -> list[Request]:
        """Return what a node asks for, of each target that has a path here."""
        return [*asked(self.site)]

    def _settings(self) -> Iterator[Finding]:
        file, settings = self.site.root / "kp.toml", self.site.settings
        there = "read" if file.exists() else "not there: no target has a path here"
        yield Finding("settings", "ok", f"{file} {there}")
        for table, paths in zip(settings._fields, settings, strict=True):
            for name, path in sorted(paths.items()):
                if not path.is_dir():
                    text = f"{table}.{name}: {path} is no directory"
                    yield Finding("settings", "note", text, "mount it, or edit kp.toml")

    def _paths(self) -> Iterator[Finding]:
        """Yield the paths of what is neither in main nor in a draft."""
        main, drafted = self.site.placed()
        for table, paths in zip(("roots", "trees"), self.site.settings, strict=True):
            for name in sorted(paths):
                if (table, name) not in main | drafted:
                    what = "target" if table == "roots" else "image"
                    text = f"kp.toml: {table}.{name} is of no {what} that there is"
                    mend = f"take the line out, or kp {what} add {name}"
                    yield Finding("settings", "note", text, mend)

    def _lock(self) -> Iterator[Finding]:
        file = self.site.root / "lock"
        lock = SiteLock(file, holder="")
        who = lock.holder()
        if os.path.lexists(file) and (file.is_symlink() or not file.is_file()):
            text = f"{file} is not a file: whoever writes next can't lock it"
            yield Finding("lock", "bad", text, aside(self.site, file))
        elif lock.is_held():
            yield Finding("lock", "ok", f"held by {who or 'another process'}")
        else:
            left = f"free; left by a command that failed: {who}" if who else "free"
            yield Finding("lock", "ok", left)
        for file in sorted((self.site.root / "state.git").glob("**/*.lock")):
            mend = "kp takes its own away at the next write; another program's: wait"
            yield Finding("lock", "note", f"{file} is there", f"{mend}, or remove it")

    def _hook(self) -> Iterator[Finding]:
        path = self.site.repository.path
        if (path / hook.HOOK).is_dir():
            text = f"{path / hook.HOOK} is a folder: nothing guards pushes"
            yield Finding("hook", "bad", text, aside(self.site, path / hook.HOOK))
            return
        was = hook.state_of(path)
        if was == "current" and (path / RECORDS).is_dir():
            yield Finding("hook", "ok", "a push can leave a draft of one's own only")
            return
        since, tell = utc(self.now), self.site.tell
        with self.site.locked(self.user, _PATIENCE, tell, since=since):
            self.site.renew_hook(self.now)
        if was == "current":
            text = f"{RECORDS}, who wrote which draft, was gone: it is begun anew"
        else:
            text = f"{hook.HOOK} was {was}: it is kp's again"
        mend = "it did not guard: see what was pushed, git -C state.git for-each-ref"
        yield Finding("hook", "note" if was == "old" else "bad", text, mend)

    def _repository(self) -> Iterator[Finding]:
        found = list(fittings.amiss(self.site.repository.path))
        for each in found:
            level: Level = "bad" if each.vital else "note"
            text = f"{each.path} {each.problem}"
            yield Finding("repository", level, text, fitted(self.site, each))
        if not found:
            yield Finding("repository", "ok", "HEAD, config and folders are as made")

    def _main(self) -> Iterator[Finding]:
        tip = self.site.tip()
        record = self.site.record(tip)
        yield Finding("main", "ok", f"at r{record.revision} {tip[:12]}")

    def _history(self) -> Iterator[Finding]:
        yield from self._empty_objects()
        yield from self._packs()
        repository = self.site.repository
        count = 0
        for commit in walk.chain(repository, self.site.tip()):
            parent = commit.parents[0] if self.deep and commit.parents else None
            if self.deep or count == 0:
                old = repository.commit(parent).tree if parent else None
                for _, _, new in trees.compare(repository, old, commit.tree):
                    if new:
                        repository.blob(new.id)
            count += 1
        depth = "every file of them" if self.deep else "the newest with every file"
        yield Finding("history", "ok", f"{count} commits can be read, {depth}")

    def _packs(self) -> Iterator[Finding]:
        for each in packs.unsound(self.site.repository.path / "objects/pack"):
            if each.has_all:
                yield Finding(
                    "history", "bad", each.problem, pack_made_anew(self.site, each)
                )

    def _empty_objects(self) -> Iterator[Finding]:
        for file in (self.site.root / "state.git/objects").glob("[0-9a-f][0-9a-f]/*"):
            if file.is_file() and file.stat().st_size == 0:
                text = f"{file} is empty: a crash of the machine left it"
                mend = f"rm -f {quote(str(file))}  # then kp doctor: is it missed?"
                yield Finding("history", "bad", text, mend)

    def _artifacts(self) -> Iterator[Finding]:
        main = self.site.main()
        kernels = [
            (f"kernel {image}/{name}", main.get(Key("kernel", name, image)))
            for image in main.names("image")
            for name in main.names("kernel", image)
        ]
        refs = {
            ref: where
            for where, kernel in kernels
            if isinstance(kernel, KernelConfig)
            for ref in kernel.artifacts.refs()
        }
        for ref, where in refs.items():
            yield from self._artifact(where, ref.sha256, ref.size)
        yield Finding("artifacts", "ok", f"main names {len(refs)}")

    def _artifact(self, where: str, sha256: str, size: int) -> Iterator[Finding]:
        store = self.site.artifacts
        again = "kp kernel add --replace with its files"
        mend = f"{artifact_back(self.site, sha256)}; or {again}"
        if not store.has(sha256, size):
            yield Finding("artifacts", "bad", f"{where}: {sha256} is missing", mend)
        elif self.deep:
            try:
                store.verify(sha256)
            except CorruptState as error:
                yield Finding("artifacts", "bad", f"{where}: {error.message}", mend)

    def _index(self) -> Iterator[Finding]:
        file, tip = self.site.index_file, self.site.tip()
        mend = "kp publish"  # any writer, but this one checks all of it
        try:
            index = Index.open(file)
            if index is not None:
                index.check()
        except IndexFailed as error:
            yield Finding("index", "bad", f"{file} is damaged: {error.message}", mend)
            return
        if index is None:
            text = f"{file} is missing or damaged: kp is slower without it"
            yield Finding("index", "note", text, mend)
        elif index.head() != tip:
            yield Finding("index", "note", f"{file} does not stand at main", mend)
        else:
            yield Finding("index", "ok", "stands at main, and can be read")

    def _drafts(self) -> Iterator[Finding]:
        repository, tip = self.site.repository, self.site.tip()
        for ref in owners.strays(repository):
            text = f"{ref!r} is no user's draft, and is not read"
            yield Finding("drafts", "note", text, f"take it out of {repository.path}")
        for user in drafts.users(repository):
            try:
                draft = drafts.load(repository, user, tip)
            except KpError as error:
                yield Finding("drafts", "note", error.message, error.hint)
            else:
                number = len(draft.changes) if draft else 0
                yield Finding("drafts", "ok", f"{user} has {number} edits")

    def _targets(self) -> Iterator[Finding]:
        for each in verify(self.site, self.now, deep=self.deep):
            about = f"target {each.name}"
            level, mend = _CONDITIONS[each.condition]
            yield Finding(about, level, each.condition, mend)
            for found in each.findings:
                mend = _mend(each.name, each.condition) if found.is_drift else _KEPT
                level = "bad" if found.is_drift else "note"
                text = f"{found.path} is {found.kind} {found.detail}".rstrip()
                yield Finding(about, level, text, mend)

    def _guarded(
        self, look: Callable[[], Iterator[Finding]], about: str
    ) -> Iterator[Finding]:
        """Yield what a look finds; what stops it is found, too."""
        try:
            yield from look()
        except KpError as error:
            if error.message in self._told:  # what stops one look stops others
                return
            self._told.add(error.message)
            mend = error.hint
            if not mend or "kp doctor" in mend:  # that is where the person is
                mend = how_to_mend(self.site, error)
            yield Finding(about, "bad", error.message, mend)
        except OSError as error:
            text = f"{error.filename}: {error.strerror}"
            yield Finding(about, "bad", text, "see to the disk")
