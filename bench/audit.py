"""Questions to a history of 100,000 commits, beside one of 1,000."""

import subprocess
from pathlib import Path

from bench.clock import Table, medians, section
from kpstore.history.git import create
from kpstore.history.git.repository import Repository
from kpstore.history.index import feed
from kpstore.history.index.database import Index
from kpstore.history.record import Record
from kpstore.history.record import format as format_record
from kpstore.history.revisions import Query

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
    image = f"i{number % _IMAGES}"
    document = f'{{"arch":"x86_64","turn":{number}}}\n'.encode()
    files = [(f"images/{image}/image.json", document)]
    if number % 100 == 0:
        line = f'{{"index":{number},"name":"n7"}}\n'.encode()
        files.append(("nodes/6f.jsonl", line))
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
