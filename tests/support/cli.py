"""The `kp` command in this process: what it was given, printed and returned.

`cluster` is the site of `kp demo`'s first half, made by verbs alone: images web and db
(x86_64) and edge (aarch64), forty nodes in two racks, a TFTP root, three image trees.
"""

import hashlib
import io
import json
import os
import shutil
import stat
from collections.abc import Mapping
from contextlib import redirect_stderr, redirect_stdout
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any

from kpcmd.app import main
from kpcmd.context import World
from kpcmd.demo import cluster as demo
from kpcmd.demo.story import Command, story

USER = "ann"


@dataclass(frozen=True)
class Result:
    """What one command did."""

    argv: tuple[str, ...]
    status: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Return the one document that stdout is."""
        return json.loads(self.out)

    @property
    def error(self) -> Any:
        """Return the error that stdout's document tells, and nothing else."""
        document = self.json
        assert list(document) == ["error"]
        return document["error"]


def run(site: Path, *argv: str, user: str = USER, terminal: bool = False) -> Result:
    """Run `kp argv` on a site, as a script does unless `terminal`."""
    out, err = io.StringIO(), io.StringIO()
    world = World(user=user, host="head", site=site, terminal=terminal)
    with redirect_stdout(out), redirect_stderr(err):
        status = main(argv, world)
    return Result(argv, status, out.getvalue(), err.getvalue())


def ok(site: Path, *argv: str, expected: int = 0, user: str = USER) -> Result:
    """Run `kp argv`, which must end with the expected exit status."""
    result = run(site, *argv, user=user)
    assert result.status == expected, result
    return result


@dataclass(frozen=True)
class Cluster:
    """The places of one site, all below one directory."""

    where: Path
    site: Path = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "site", self.where / "site")

    @property
    def tftp(self) -> Path:
        """Return the TFTP root."""
        return self.where / "tftp"

    def tree(self, image: str) -> Path:
        """Return an image's tree."""
        return self.where / "images" / image

    def kp(self, *argv: str, expected: int = 0, user: str = USER) -> Result:
        """Run a command that must end with the expected exit status."""
        return ok(self.site, *argv, expected=expected, user=user)

    def json(self, *argv: str, expected: int = 0) -> Any:
        """Run a command with --json; return its document."""
        return self.kp(*argv, "--json", expected=expected).json

    def main(self) -> str:
        """Return main's commit."""
        return (self.site / "state.git/refs/heads/main").read_text("ascii").strip()

    def served(self) -> Mapping[str, str]:
        """Return what nodes and images have: the digests of TFTP root and trees."""
        return {name: digest(self.where / name) for name in ("tftp", "images")}


def cluster(where: Path) -> Cluster:
    """Make the cluster below `where`, step by step as `kp demo` types it."""
    demo.make(where)
    made = Cluster(where)
    for step in story(where):
        if not isinstance(step, Command):
            continue
        made.kp(*step.words, expected=step.expected)
        if step.words[0] == "good":
            return made
    raise AssertionError("kp demo no longer says `kp good` on its first day")


def as_installed(tree: Path, release: str) -> None:
    """Have the tree's own loader boot its own kernel again, as before kp wrote it."""
    text = demo.grub(release)
    (tree / "boot/grub/grub.cfg").write_text(text, "utf-8")


@lru_cache
def template(base: Path) -> Cluster:
    """Return the cluster that tests copy: made once a process, in a folder below."""
    where = base / "kp-cluster"
    where.mkdir()
    return cluster(where)


def copy(made: Cluster, where: Path) -> Cluster:
    """Copy a whole cluster to another place on this server; kp.toml follows it."""
    shutil.copytree(made.where, where, symlinks=True, dirs_exist_ok=True)
    settings = where / "site/kp.toml"
    text = settings.read_text("utf-8")
    settings.write_text(text.replace(str(made.where), str(where)), "utf-8")
    copied = Cluster(where)
    copied.kp("publish")  # looks at every byte once: a copy has other times
    return copied


def digest(top: Path) -> str:
    """Hash names, kinds, modes, link targets and bytes of a whole directory tree."""
    found = hashlib.sha256()
    for folder, folders, files in os.walk(top):
        folders.sort()
        for name in sorted((*folders, *files)):
            path = Path(folder, name)
            found.update(f"{path.relative_to(top)}\0".encode())
            found.update(_content(path))
    return found.hexdigest()


def _content(path: Path) -> bytes:
    mode = path.lstat().st_mode
    head = f"{mode:o}\0".encode()
    if stat.S_ISLNK(mode):
        return head + os.readlink(path).encode()
    return head + hashlib.sha256(path.read_bytes()).digest() if path.is_file() else head
