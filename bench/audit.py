"""Questions to a history of 100,000 commits, beside one of 1,000."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

from bench.clock import Table, medians, section
from kpstore.history.codec import encode_node, files_of
from kpstore.history.git import create
from kpstore.history.git.repository import Repository
from kpstore.history.index import feed
from kpstore.history.index.database import Index
from kpstore.history.paths import path_of
from kpstore.history.record import Record
from kpstore.history.record import format as format_record
from kpstore.history.revisions import Query
from kpstore.model.documents import (
    ArtifactRef,
    Artifacts,
    BootConfig,
    Document,
    Image,
    KernelConfig,
    Node,
    Origin,
    Site,
)
from kpstore.model.keys import Key

_HITS = 1_000
_IMAGES = 100  # of which each is touched by one commit in a hundred


def measure(place: Path, report: Table) -> None:
    """Fill the table with in-process queries."""
    found = {}
    for commits in (1_000, 100_000):
        with section(f"audit of {commits:,} commits"):
            index = _history(place / f"audit-{commits}", commits)
            queries = {
                "image": lambda turn, index=index: _ask(index, image="i7"),
                "node": lambda turn, index=index: _ask(index, node="n7"),
            }
            found[commits] = medians(queries, 15)
    for what in ("image", "node"):
        large = found[100_000][what] * 1000
        report.at_most(
            f"kp log --{what}, 1,000 hits of 100,000 commits", large, 5, " ms"
        )


def _ask(index: Index, **query: str) -> None:
    index.revisions(Query(**query, limit=_HITS))


def _history(where: Path, commits: int) -> Index:
    where.mkdir(parents=True)
    git = where / "state.git"
    create.create(git)
    process = subprocess.Popen(
        ["git", "--git-dir", git, "fast-import", "--quiet"], stdin=subprocess.PIPE
    )
    assert process.stdin
    for number in range(1, commits + 1):
        process.stdin.write(_commit(number))
    process.stdin.close()
    assert process.wait() == 0
    repository = Repository(git)
    tip = repository.tip("refs/heads/main")
    assert tip
    return feed.rebuild(where / "index.db", repository, tip)


def _commit(number: int) -> bytes:
    """One commit for fast-import: an image, and every hundredth time node n7."""
    message = format_record(Record(f"change {number}", number, "edit"))
    turn = (f"turn={number}",)
    changes = dict(_first()) if number == 1 else {}
    image = Image(arch="x86_64", default="production", params=turn)
    changes[Key("image", f"i{number % _IMAGES}")] = image
    files = [file for key in changes for file in files_of(key, changes[key]).items()]
    if number == 1 or number % 100 == 0:
        node = Node(name="n7", macs=("02:00:00:00:00:07",), image="i7", params=turn)
        files.append((path_of(Key("node", "n7")), encode_node(node) + b"\n"))
    parts = [
        b"commit refs/heads/main\n",
        b"author a <a@b> %d +0000\ncommitter kp <kp@b> %d +0000\n" % (number, number),
        b"data %d\n%s\n" % (len(message), message),
    ]
    for path, data in files:
        parts.append(
            b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(data), data)
        )
    return b"".join(parts)


def _first() -> Iterator[tuple[Key, Document]]:
    """A site whose images have an entry each: its kernel's files are not asked for."""
    yield Key("site"), Site(id="0" * 32, name="bench")
    file = ArtifactRef(sha256="ab" * 32, size=1)
    kernel = KernelConfig(
        release="6.1",
        arch="x86_64",
        origin=Origin(kind="files"),
        artifacts=Artifacts(vmlinuz=file),
    )
    for number in range(_IMAGES):
        name = f"i{number}"
        yield Key("image", name), Image(arch="x86_64", default="production")
        yield Key("kernel", "6.1", name), kernel
        yield Key("entry", "production", name), BootConfig(kernel="6.1")
