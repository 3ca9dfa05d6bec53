"""A site on disk beside its model: commands are run on both, and held together."""

import io
import json
import os
import shlex
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import typer.main

from histories.chroot import Chroot
from histories.documents import Clash, No, State, changed, laid
from histories.model import Model, Place, Revision
from kpcmd.app import main
from kpcmd.context import World
from kpstore.operations.staging import (
    Staging,  # where a command is killed; judges nothing
)
from support.crash.child import fork
from support.crash.seeded import replaced

DONE, REFUSED, USAGE, CONFLICT, LAGS = 0, 1, 2, 3, 6
_KILLED = 97
TARGETS: dict[str, dict[str, Any]] = {
    "boot1": {"kind": "tftp"},
    "boot2": {"kind": "tftp", "prefix": "pxe", "grub_dir": "boot/grub2"},
    "disk-web": {"kind": "image", "image": "web"},
    "disk-db": {"kind": "image", "image": "db", "replace": True},
}
ORIGINALS = {  # of the tree whose loader files were there before kp's
    "grub": ("boot/grub/grub.cfg", b"# the distribution's own\n"),
    "bls": ("boot/loader/loader.conf", b"timeout 3\n"),
    "extlinux": ("boot/extlinux/extlinux.conf", b"TIMEOUT 30\n"),
}


RULES = {
    "left behind",
    "verdicts publish nothing",
    "gc publishes nothing",
    "dry runs write nothing",
    "groups reach strays",
    "revert keeps verdicts",
    "who serves main is not left behind",
}

# Half of a command's time would be typer's drawing up of it, each time anew.
typer.main.get_command = cache(typer.main.get_command)


class Disagreement(AssertionError):  # noqa: N818 - a finding
    """The model, the reader and kp don't say the same."""


@dataclass(frozen=True)
class Result:
    """What one command did."""

    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        return json.loads(self.out)


def expect(what: str, wanted: object, found: object) -> None:
    """Disagreement unless both are the same."""
    if wanted != found:
        raise Disagreement(f"{what}:\n  model: {wanted}\n  found: {found}")


@dataclass
class Trial:
    """One history under way. `said` are the commands typed so far."""

    where: Path
    now: float
    model: Model = field(init=False)
    said: list[str] = field(default_factory=list)
    damaged: set[str] = field(default_factory=set)
    often: Mapping[str, float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.model = Model([Revision(1, {}, "init", "ann", "kp init kp", self.now)])
        for name, document in TARGETS.items():
            self.root(name).mkdir(parents=True)
            self.model.places[name] = Place(name, document["kind"])
            if document["kind"] == "image":
                (self.root(name) / "boot").mkdir()
            for path, data in ORIGINALS.values() if document.get("replace") else ():
                (self.root(name) / path).parent.mkdir()
                (self.root(name) / path).write_bytes(data)
                self.model.places[name].has_original = True
        self.must("init")
        self.model.tip.commit = self.commit()

    # --- places

    @property
    def site(self) -> Path:
        return self.where / "site"

    def root(self, target: str) -> Path:
        return self.where / "targets" / target

    def server(self, target: str) -> Chroot:
        return Chroot(self.root(target))

    def commit(self) -> str:
        """Main's commit, as git has it."""
        return (self.site / "state.git/refs/heads/main").read_text("ascii").strip()

    def store(self) -> set[str]:
        """The artifacts that are there."""
        top = self.site / "state.git/lfs/objects"
        return {path.name for path in top.glob("??/??/*")}

    @contextmanager
    def unchanged(self, what: str) -> Iterator[None]:
        """Hold site and targets, but for what is derived, to what they are."""
        before = self._files()
        yield
        after = self._files()
        paths = before.keys() | after.keys()
        moved = sorted(path for path in paths if before.get(path) != after.get(path))
        expect(f"what {what} writes", [], moved)

    def _files(self) -> dict[str, bytes]:
        """All files and links below, but kernels to be taken in and the index."""
        found = {}
        for folder, folders, files in os.walk(self.where):
            folders[:] = sorted(set(folders) - {"cache", "kernels"})
            for name in {*files, *folders} - {"lock"}:
                path = Path(folder, name)
                data = os.readlink(path).encode() if path.is_symlink() else b""
                if path.is_file() and not path.is_symlink():
                    data = path.read_bytes()
                found[str(path.relative_to(self.where))] = data
        return found

    # --- commands

    def kp(self, *words: str, user: str = "ann") -> Result:
        """Run a command; a minute goes by with each that changes something."""
        out, err = io.StringIO(), io.StringIO()
        world = World(user=user, host="head", clock=lambda: self.now, site=self.site)
        with redirect_stdout(out), redirect_stderr(err):
            status = main([*words, "--json"], world)
        return Result(status, out.getvalue(), err.getvalue())

    def run(self, *words: str, user: str = "ann") -> Result:
        """Run a command that is part of the story."""
        self.now += 60
        self.said.append(_typed(words, user))
        result = self.kp(*words, user=user)
        self.said[-1] += f"    # {result.status}"
        if result.status == 1 and "mistake in kp" in result.err + result.out:
            raise Disagreement(f"{words}: {result.err}{result.out}")
        return result

    def killed(self, *words: str, user: str = "ann") -> bool:
        """Run a command that is killed when it begins to switch; whether it was."""
        self.now += 60
        self.said.append(f"{_typed(words, user)}    # killed at the commit point")
        child = fork()
        if child == 0:
            status = 0
            try:
                with replaced(Staging, switch=lambda *_: os._exit(_KILLED)):
                    self.kp(*words, user=user)
            finally:
                os._exit(status)
        return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == _KILLED

    def must(self, *words: str, user: str = "ann", status: int = 0) -> Result:
        """Run a command that must end so."""
        result = self.run(*words, user=user)
        said = f"{result.out[-600:]} {result.err[-600:]}" if result.status else ""
        expect(f"status of kp {' '.join(words)} {said}", status, result.status)
        return result

    def ask(self, *words: str, user: str = "eve") -> Any:
        """Ask a question that has an answer; the status may tell of targets."""
        return self.kp(*words, user=user).json

    # --- writing, on both

    def committing(
        self,
        words: list[str],
        state: State | type[No] | type[Clash],
        op: str,
        subject: str,
        user: str = "ann",
        **how: Any,
    ) -> bool:
        """Run what commits `state`, or must be refused; tell whether main moved."""
        before = self.commit()
        result = self.run(*words, user=user)
        about = f"{self.said[-1]} {result.err[-800:]}"
        if state is No or state is Clash:
            wanted = {CONFLICT} if state is Clash else {REFUSED, USAGE}
            if result.status not in wanted:
                raise Disagreement(f"the model refuses ({how.get('why')}): {about}")
            expect(f"{about}: main", before, self.commit())
            return False
        assert isinstance(state, dict)
        if not changed(self.model.main, state):
            expect(f"status of what changes nothing: {about}", DONE, result.status)
            expect("main after nothing", before, self.commit())
            return False
        how.pop("why", None)
        if result.status not in (DONE, LAGS):
            raise Disagreement(f"the model commits this: {about} {result.out[-800:]}")
        left = {n for n, place in self.model.places.items() if place.by_choice}
        self.model.commit(state, self.now, op, user, subject, **how)
        self.model.tip.commit = self.commit()
        behind = self.model.behind()
        if not self.rule("who serves main is not left behind"):
            left |= {*how.get("without", ())}
            behind += [
                n for n in left & {*self.model.targets()} if result.status == LAGS
            ]
        expect(
            f"status of {about}, behind {behind}",
            LAGS if behind else DONE,
            result.status,
        )
        expect("the commit said", self.model.tip.commit, result.json["commit"])
        expect(
            "the revision said", f"r{self.model.tip.number}", result.json["revision"]
        )
        return True

    def rule(self, name: str) -> bool:
        """Whether kp is held to a rule that it may not follow yet."""
        return name in RULES

    def finish(self) -> None:
        """Bring to main what is behind otherwise than by choice."""
        for name in self.model.targets():
            if not self.model.places[name].by_choice:
                self.model.bring(name, self.now)

    def view(self, user: str) -> State:
        """What a person sees: main with the own draft over it."""
        return laid(self.model.main, self.model.merged(user))


def _typed(words: tuple[str, ...], user: str) -> str:
    return f"{'' if user == 'ann' else f'KP_USER={user} '}kp {shlex.join(words)}"
