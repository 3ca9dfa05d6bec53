"""A damaged repository answers as before, or says that it is damaged."""

import random
import shutil
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from kpstore.errors import CorruptState, NotFound
from kpstore.history import walk
from kpstore.history.git.repository import Repository
from kpstore.history.paths import MAIN
from kpstore.history.snapshot import Snapshot
from support.histories import SITE, git, grow, image, make, nodes

Damage = Callable[[random.Random, bytes], bytes]


def flip(dice: random.Random, data: bytes) -> bytes:
    changed = bytearray(data)
    if changed:
        changed[dice.randrange(len(changed))] ^= 1 << dice.randrange(8)
    return bytes(changed)


def cut(dice: random.Random, data: bytes) -> bytes:
    return data[: dice.randrange(len(data) + 1)]


def zero(dice: random.Random, data: bytes) -> bytes:
    start = dice.randrange(len(data) + 1)
    return data[:start] + bytes(len(data) - start)


def insert(dice: random.Random, data: bytes) -> bytes:
    at = dice.randrange(len(data) + 1)
    return data[:at] + dice.randbytes(dice.randrange(1, 9)) + data[at:]


def garbage(dice: random.Random, data: bytes) -> bytes:
    return dice.randbytes(len(data))


def empty(dice: random.Random, data: bytes) -> bytes:
    return b""


DAMAGES: list[Damage] = [flip, cut, zero, insert, garbage, empty]


def answers(path: Path) -> list[object]:
    """Read everything that can be read."""
    with closing(Repository(path)) as repository:
        tip = repository.tip(MAIN)
        found: list[object] = [tip]
        for commit in walk.chain(repository, tip):
            snapshot = Snapshot(repository, commit.id)
            found.append(walk.revision(commit))
            found.append(walk.places(repository, commit))
            found += list(snapshot.nodes())
            for name in snapshot.names("image"):
                found += snapshot.names("entry", name) + snapshot.names("kernel", name)
        return found


def make_whole(path: Path, *, packed: bool) -> Path:
    repository = make(path)
    grow(repository, SITE | image(), nodes(60), image("db"))
    if packed:
        git(path, "gc", "-q", "--prune=now")
        git(path, "pack-refs", "--all")
    return path


@pytest.mark.parametrize("packed", [False, True], ids=["loose", "packed"])
def test_fuzz(tmp_path: Path, packed: bool) -> None:
    whole = make_whole(tmp_path / "whole.git", packed=packed)
    right = answers(whole)
    dice = random.Random(packed)
    parts = ("objects/*/*", "refs/heads/*", "packed-refs")
    files = sorted(
        file.relative_to(whole)
        for part in parts
        for file in whole.glob(part)
        if file.is_file() and file.suffix not in {".rev", ".bitmap"}
    )
    refused = 0
    broken = tmp_path / "broken.git"
    shutil.copytree(whole, broken)
    for _ in range(300):
        file, damage = dice.choice(files), dice.choice(DAMAGES)
        before = (whole / file).read_bytes()
        (broken / file).chmod(0o644)
        (broken / file).write_bytes(damage(dice, before))
        try:
            assert answers(broken) in (right, [None])
        except (CorruptState, NotFound):
            refused += 1
        (broken / file).write_bytes(before)
    assert refused > 100


@pytest.mark.parametrize("packed", [False, True], ids=["loose", "packed"])
def test_main_is_never_read_as_empty(tmp_path: Path, packed: bool) -> None:
    path = make_whole(tmp_path / "state.git", packed=packed)
    file = path / ("packed-refs" if packed else MAIN)
    right, data = Repository(path).tip(MAIN), file.read_bytes()
    silent = 0
    for length in range(len(data)):
        file.write_bytes(data[:length])
        try:
            silent += Repository(path).tip(MAIN) != right
        except CorruptState:
            continue
    assert silent == packed  # a whole header is a file without refs
