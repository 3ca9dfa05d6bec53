"""What can happen to the files of a site directory, one damage a function.

Each damages a whole site of `support.cli` by hand, as a disk, a crash or a slip of a
person would; `ALL` names them, by what they are done to.
"""

import json
import os
import shutil
import socket
import sqlite3
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from kpstore.history.git import trees
from kpstore.history.git.repository import Repository, id_of, new_commit
from support.cli import USER, Cluster

Damage = Callable[[Cluster], object]
_PAGE = 4096


@dataclass(frozen=True)
class Ways:
    """The ways in which what lies in one place can be damaged."""

    find: Callable[[Cluster], Path]

    def missing(self, made: Cluster) -> None:
        _clear(self.find(made))

    def empty(self, made: Cluster) -> None:
        self._write(made, b"")

    def truncated(self, made: Cluster) -> None:
        data = self.find(made).read_bytes()
        self._write(made, data[: len(data) // 2])

    def flipped(self, made: Cluster) -> None:
        data = bytearray(self.find(made).read_bytes())
        data[len(data) // 2] ^= 1
        self._write(made, bytes(data))

    def garbage(self, made: Cluster) -> None:
        self._write(made, b"\xff\x00 nobody can read this \x80\n" * 40)

    def folder(self, made: Cluster) -> None:
        _clear(self.find(made)).mkdir()

    def full_folder(self, made: Cluster) -> None:
        path = _clear(self.find(made))
        path.mkdir()
        (path / "mine").write_text("somebody's\n")

    def fifo(self, made: Cluster) -> None:
        os.mkfifo(_clear(self.find(made)))

    def socket(self, made: Cluster) -> None:
        path = _clear(self.find(made))
        here = os.open(path.parent, os.O_RDONLY)  # a socket's name is short
        with socket.socket(socket.AF_UNIX) as made_here:
            made_here.bind(f"/proc/self/fd/{here}/{path.name}")
        os.close(here)

    def dangling(self, made: Cluster) -> None:
        _clear(self.find(made)).symlink_to("nowhere/at/all")

    def linked(self, made: Cluster) -> None:
        """Move the file elsewhere and leave a link."""
        path = self.find(made)
        moved = made.where / f"moved-{path.name}"
        path.rename(moved)
        path.symlink_to(moved)

    def _write(self, made: Cluster, data: bytes) -> None:
        path = self.find(made)
        _clear(path).write_bytes(data)

    def named(self, *ways: str) -> dict[str, Damage]:
        return {way: getattr(self, way) for way in ways}


def _clear(path: Path) -> Path:
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)
    return path


def at(path: str) -> Ways:
    """Return the ways to damage what lies at a path of the site."""
    return Ways(lambda made: made.site / path)


def git(made: Cluster, *argv: str) -> str:
    """Run git in the repository."""
    command = ["git", "-C", str(made.site / "state.git"), *argv]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return done.stdout.strip()


NODES = ("missing", "empty", "truncated", "garbage", "folder", "fifo", "socket")
LINKS = ("dangling", "linked")


# --- the index


def pages(made: Cluster) -> int:
    return (made.site / "cache/index.db").stat().st_size // _PAGE


def page(number: int, made: Cluster, with_: bytes = b"\xff") -> None:
    """Damage one page of the index."""
    path = made.site / "cache/index.db"
    if number < pages(made):
        data = bytearray(path.read_bytes())
        data[number * _PAGE : (number + 1) * _PAGE] = with_ * _PAGE
        path.write_bytes(data)


def _future_schema(made: Cluster) -> None:
    database = sqlite3.connect(made.site / "cache/index.db")
    with database:
        database.execute("UPDATE meta SET value = '999' WHERE name = 'schema'")
    database.close()


def _gone_table(made: Cluster) -> None:
    database = sqlite3.connect(made.site / "cache/index.db")
    with database:
        database.execute("DROP TABLE templates")
    database.close()


def _behind(made: Cluster) -> None:
    before = (made.site / "cache/index.db").read_bytes()
    made.kp("image", "add", "later", "--arch", "x86_64", "-m", "later")
    (made.site / "cache/index.db").write_bytes(before)


def _wal(made: Cluster) -> None:
    database = sqlite3.connect(made.site / "cache/index.db")
    database.execute("PRAGMA journal_mode = WAL")
    database.close()


INDEX: dict[str, Damage] = {
    **at("cache/index.db").named(*NODES, *LINKS),
    **{f"page {n}": partial(page, n) for n in range(1, 15)},
    **{f"page {n} of zeros": partial(page, n, with_=b"\0") for n in range(1, 15)},
    "future schema": _future_schema,
    "gone table": _gone_table,
    "behind": _behind,
    "wal": _wal,
    **{
        f"journal {way}": damage
        for way, damage in at("cache/index.db-journal")
        .named("garbage", "folder", "fifo", "dangling")
        .items()
    },
    "cache missing": at("cache").missing,
    "cache a file": at("cache").empty,
}


# --- what is the administrator's


def _text(path: str, text: bytes) -> Damage:
    def damage(made: Cluster) -> None:
        (made.site / path).write_bytes(text)

    return damage


SETTINGS: dict[str, Damage] = {
    **at("kp.toml").named("missing", "empty", "folder", "fifo", "socket", *LINKS),
    "syntax": _text("kp.toml", b"[roots\n"),
    "not UTF-8": _text("kp.toml", b'[roots]\nboot1 = "/srv/\xff"\n'),
    "unknown key": _text("kp.toml", b"[root]\n"),
    "no path": _text("kp.toml", b"[roots]\nboot1 = 7\n"),
    "control": _text("kp.toml", b"\0\0\0\0"),
}

LOCK: dict[str, Damage] = at("lock").named(
    "missing", "garbage", "folder", "full_folder", "fifo", "socket", *LINKS
)

FOLDERS: dict[str, Damage] = {
    f"{name} {way}": getattr(at(name), way)
    for name in ("README", "found", "keys")
    for way in ("missing", "fifo")
}


# --- the repository

_HEADS, _DRAFTS = "state.git/refs/heads", "state.git/refs/kp/drafts"


def _nonsense(path: str) -> Damage:
    return _text(path, b"f" * 40 + b"\n")


def _foreign_tip(made: Cluster) -> None:
    person = ("-c", "user.name=x", "-c", "user.email=x@y")
    by_hand = git(made, *person, "commit-tree", "main^{tree}", "-p", "main", "-m", "x")
    git(made, "update-ref", "refs/heads/main", by_hand)


MAIN: dict[str, Damage] = {
    **at(f"{_HEADS}/main").named(*NODES, "dangling"),
    "nonsense": _nonsense(f"{_HEADS}/main"),
    "foreign": _foreign_tip,
    "heads missing": at(_HEADS).missing,
}


def _drafted(damage: Damage) -> Damage:
    def damaged(made: Cluster) -> None:
        made.kp("entry", "set", "web", "production", "--add-param", "drafted")
        damage(made)

    return damaged


DRAFT: dict[str, Damage] = {
    name: _drafted(damage)
    for name, damage in {
        **at(f"{_DRAFTS}/{USER}").named("empty", "garbage", "folder", "fifo"),
        "nonsense": _nonsense(f"{_DRAFTS}/{USER}"),
    }.items()
}


def _object(rev: str) -> Callable[[Cluster], Path]:
    def find(made: Cluster) -> Path:
        oid = git(made, "rev-parse", rev)
        return made.site / "state.git/objects" / oid[:2] / oid[2:]

    return find


OBJECTS: dict[str, Damage] = {
    f"{what} {name}": damage
    for what, rev in (
        ("commit", "main"),
        ("tree", "main^{tree}"),
        ("blob", "main:site.json"),
        ("target", "main:targets/boot1.json"),
        ("older commit", "main~2"),
    )
    for name, damage in Ways(_object(rev)).named(*NODES, "flipped").items()
}


def _packed(damage: Damage) -> Damage:
    def damaged(made: Cluster) -> None:
        git(made, "gc", "-q", "--prune=now")
        damage(made)

    return damaged


def _pack(suffix: str) -> Callable[[Cluster], Path]:
    return lambda made: next((made.site / "state.git/objects/pack").glob(f"*{suffix}"))


PACKS: dict[str, Damage] = {
    f"{suffix} {name}": _packed(damage)
    for suffix in ("pack", "idx")
    for name, damage in Ways(_pack(f".{suffix}")).named(*NODES, "flipped").items()
}


def _cut(made: Cluster) -> None:
    file = made.site / "state.git/packed-refs"
    os.truncate(file, file.stat().st_size - 3)


def _lines(made: Cluster) -> None:
    with (made.site / "state.git/packed-refs").open("ab") as file:
        file.write(b"nobody can read this\n")


PACKED_REFS: dict[str, Damage] = {
    name: _packed(damage)
    for name, damage in {
        **at("state.git/packed-refs").named(*NODES),
        "cut": _cut,
        "lines": _lines,
    }.items()
}


def _config(key: str, value: str) -> Damage:
    return lambda made: git(made, "config", key, value)


LAYOUT: dict[str, Damage] = {
    **{
        f"{name} {way}": damage
        for name in ("HEAD", "config", "hooks/update", "description")
        for way, damage in at(f"state.git/{name}")
        .named("missing", "empty", "garbage", "folder", "fifo", "dangling")
        .items()
    },
    "update not executable": lambda made: (made.site / "state.git/hooks/update").chmod(
        0o644
    ),
    **{
        f"{name} missing": at(f"state.git/{name}").missing
        for name in (
            *("hooks", "lfs", "lfs/objects", "refs", "refs/kp", "refs/kp/drafts"),
            *("objects/info", "objects/pack"),
        )
    },
    "HEAD elsewhere": _text("state.git/HEAD", b"ref: refs/heads/other\n"),
    "not bare": _config("core.bare", "false"),
    "not synced": _config("core.fsync", "none"),
}


def _artifact(made: Cluster) -> Path:
    shown = made.json("kernel", "show", "web", "6.1.0-28")
    sha256 = str(shown["artifacts"]["vmlinuz"]["sha256"])
    return made.site / "state.git/lfs/objects" / sha256[:2] / sha256[2:4] / sha256


ARTIFACTS: dict[str, Damage] = Ways(_artifact).named(*NODES, *LINKS, "flipped")


def _format(made: Cluster) -> None:
    """Commit a site.json whose format is of the future."""
    repository = Repository(made.site / "state.git")
    tip = repository.tip("refs/heads/main") or ""
    commit = repository.commit(tip)
    site = json.loads(git(made, "show", "main:site.json"))
    data = json.dumps(site | {"format": 2}, sort_keys=True, separators=(",", ":"))
    tree, objects = trees.build(
        repository, commit.tree, {"site.json": f"{data}\n".encode()}
    )
    number = json.loads(made.kp("log", "-n", "1", "--json").out)[0]["revision"][1:]
    text = commit.message.replace(
        f"Kp-Revision: {number}".encode(), f"Kp-Revision: {int(number) + 1}".encode()
    )
    new = new_commit(
        tree=tree,
        parents=[tip],
        author=commit.author,
        committer=commit.author,
        time=commit.time + 1,
        message=text,
    )
    repository.write([*objects, new])
    repository.advance("refs/heads/main", tip, id_of(new), host="head")


FORMAT: dict[str, Damage] = {"site.json": _format}

ALL: dict[str, dict[str, Damage]] = {
    "index": INDEX,
    "settings": SETTINGS,
    "lock": LOCK,
    "folders": FOLDERS,
    "main": MAIN,
    "draft": DRAFT,
    "objects": OBJECTS,
    "packs": PACKS,
    "packed-refs": PACKED_REFS,
    "layout": LAYOUT,
    "artifacts": ARTIFACTS,
    "format": FORMAT,
}
