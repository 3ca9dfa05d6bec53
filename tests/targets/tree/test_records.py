"""kp's own small files in a tree: sealed, and read as text that anybody may write."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kpstore.disk.beneath import Beneath
from kpstore.errors import KpError
from kpstore.targets.keep import Keep
from kpstore.targets.tree.layout import digest
from kpstore.targets.tree.records import (
    read_claims,
    read_identity,
    read_live,
    write_claims,
    write_identity,
    write_live,
)
from support.imagetree import ImageRig, Kernel, bls, fill, publish, snapshot
from support.rotation import OneIn

MODULES = {"modules.dep": b"", "kernel/a.ko": b"a"}
SHA = "0" * 64
READ: dict[str, Callable[[Beneath], object]] = {
    "TARGET": read_identity,
    "live": read_live,
    "files": read_claims,
}


class Served(ImageRig):
    """A tree with one commit live in the place of a distribution's loader.conf."""

    def publish(self) -> "Served":
        self.make()
        fill(self.root, {"boot/loader/loader.conf": b"theirs\n"})
        self.target().create()
        self.one: Kernel = self.kernel(b"one", "6.9", MODULES)
        publish(self.target(replace=True), bls(1, a=self.one))
        self.served_identity = self.target().identity()
        return self

    def own(self, name: str) -> Path:
        return self.root / "boot/kp" / name

    def document(self, name: str) -> dict[str, Any]:
        found: dict[str, Any] = json.loads(self.own(name).read_bytes())
        return found

    def write(self, name: str, document: object, *, sealed: bool) -> None:
        """Write as whoever is root in the image can: sealed right, or not at all."""
        if isinstance(document, dict):
            document = {k: v for k, v in document.items() if k != "sha256"}
            if sealed:
                data = json.dumps(document, indent=2, sort_keys=True) + "\n"
                document = {**document, "sha256": digest(data.encode())}
        self.own(name).write_text(json.dumps(document))

    def read(self, name: str) -> object:
        with Beneath.open(self.root) as tree:
            return READ[name](tree)


@pytest.fixture
def rig(tmp_path: Path) -> Served:
    return Served(tmp_path).publish()


@pytest.mark.parametrize("name", READ)
def test_no_flipped_bit_is_believed(rig: Served, name: str, one_in: OneIn) -> None:
    before, data = rig.read(name), rig.own(name).read_bytes()
    assert before is not None
    for bit in range(8 * len(data))[one_in(7)]:
        changed = bytearray(data)
        changed[bit // 8] ^= 1 << bit % 8
        rig.own(name).write_bytes(bytes(changed))
        assert rig.read(name) is None, bit


@pytest.mark.parametrize("name", READ)
def test_what_an_older_kp_wrote_is_read(rig: Served, name: str) -> None:
    document = rig.document(name)
    for key in ("sha256", "sizes", "claims", "idle"):
        document.pop(key, None)
    rig.own(name).write_text(json.dumps(document, indent=2))
    assert rig.read(name) is not None
    assert rig.target().verify(bls(1, a=rig.one), deep=True) == []
    assert rig.target().quick().findings == []
    before = snapshot(rig.root)
    rig.target().repair(bls(1, a=rig.one), rig.where / "found")
    assert snapshot(rig.root) == before


@pytest.mark.parametrize("name", READ)
def test_a_key_that_a_newer_kp_adds_is_passed_over(rig: Served, name: str) -> None:
    before = rig.read(name)
    rig.write(name, {**rig.document(name), "of later": "grub 2"}, sealed=True)
    assert rig.read(name) == before


def test_what_is_written_reads_back(rig: Served) -> None:
    with Beneath.open(rig.root) as tree:
        before = snapshot(rig.root)
        identity, live, claims = read_identity(tree), read_live(tree), read_claims(tree)
        assert identity and live and claims
        write_identity(tree, identity)
        write_live(tree, live)
        write_claims(tree, claims)
    assert snapshot(rig.root) == before
    assert live.claims.originals == claims.originals != {}
    assert live.claims.modules == claims.modules != {}


JUNK: dict[str, object] = {
    "null": None,
    "a list": [],
    "a number": 1e308,
    "not a number": float("nan"),
    "true": True,
    "half a character": "\ud800",
    "nul": "\0",
    "much": "x" * 100_000,
}
WORDS = {
    "out of the tree": "../../etc/passwd",
    "absolute": "/etc/passwd",
    "nothing": "",
    "dots": "boot/./x",
    "kp's own": "boot/kp/TARGET",
    "short": "boot",
    "a folder": "boot/loader/entries",
    "half a character": "\ud800",
    "nul": "boot/\0",
    "a line": "boot/a\nb",
}


def hostile(document: dict[str, Any]) -> dict[str, object]:
    """Documents with one thing wrong each; by name."""
    found: dict[str, object] = dict(JUNK)
    for key, value in document.items():
        found |= {f"{key}: {name}": {**document, key: j} for name, j in JUNK.items()}
        if isinstance(value, dict):
            words = [(n, w, j) for n, w in WORDS.items() for j in (SHA, [SHA], 1.5)]
            found |= {
                f"{key} has {n} {j!r}": {**document, key: {**value, w: j}}
                for n, w, j in words
            }
            found |= {
                f"{key}'s {name}": {**document, key: dict.fromkeys(value, j)}
                for name, j in JUNK.items()
            }
        if isinstance(value, list):
            words = [(n, {**document, key: [w]}) for n, w in WORDS.items()]
            found |= {f"{key} lists {n}": each for n, each in words}
    return found


def everything(rig: Served) -> None:
    """All that kp does; only its own errors and the disk's may stop it."""
    target, now = rig.target(replace=True), bls(1, a=rig.one)
    steps: list[Callable[[], object]] = [
        target.identity,
        target.marker,
        target.unfinished,
        target.quick,
        target.originals_kept,
        target.is_marked,
        lambda: target.plan(now),
        lambda: target.verify(now, deep=False),
        lambda: target.sweep(Keep()),
        target.left,
    ]
    for step in steps:
        try:
            step()
        except (KpError, OSError):
            continue


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize("name", ["TARGET", "live", "files"])
def test_whatever_is_written_there_is_mended(
    rig: Served, name: str, sealed: bool, one_in: OneIn
) -> None:
    whole, now = snapshot(rig.root), bls(1, a=rig.one)
    document = rig.document(name)
    del document["sha256"]
    for junk in [*hostile(document).values()][one_in(5)]:
        rig.write(name, junk, sealed=sealed)
        everything(rig)
        if rig.target().identity() != rig.served_identity:
            rig.target().adopt(rig.where / "found")
        rig.target(replace=True).repair(now, rig.where / "found")
        assert rig.target().verify(now, deep=True) == []
        left = snapshot(rig.root)
        assert {p: e for p, e in left.items() if not p.startswith("boot/kp/")} == {
            p: e for p, e in whole.items() if not p.startswith("boot/kp/")
        }


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff\xfe",
        b"[" * 200_000,
        b'{"site":' * 100_000,
        b'{"revision": ' + b"9" * 10_000 + b"}",
        b" " * (5 << 20),
        b'{"a": 1, "a": NaN}',
    ],
    ids=["empty", "bytes", "deep", "deep objects", "a long number", "long", "NaN"],
)
@pytest.mark.parametrize("name", ["TARGET", "live", "files"])
def test_what_is_no_document_is_not_there(rig: Served, name: str, data: bytes) -> None:
    rig.own(name).write_bytes(data)
    assert rig.read(name) is None
    everything(rig)
    assert f"boot/kp/{name}" in {each.path for each in rig.target().quick().findings}
