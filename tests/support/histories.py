"""Repositories with histories, made by kp's own writing code."""

import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

from kpstore.history import codec, record
from kpstore.history.git import create
from kpstore.history.git.repository import Repository, id_of, new_commit
from kpstore.history.paths import MAIN
from kpstore.history.snapshot import Snapshot, to_tree
from kpstore.model.documents import (
    ArtifactRef,
    Artifacts,
    BootConfig,
    Document,
    Group,
    Image,
    KernelConfig,
    Node,
    Origin,
    Site,
)
from kpstore.model.keys import Key

START = 1_700_000_000
SITE = {Key("site"): Site(id="0" * 32, name="test")}


def make(path: Path) -> Repository:
    """Make an empty repository."""
    create.create(path)
    return Repository(path)


def kernel(release: str = "6.1.0", initrds: int = 1) -> KernelConfig:
    """Make a kernel whose artifacts don't exist."""
    return KernelConfig(
        release=release,
        arch="x86_64",
        origin=Origin(kind="files"),
        artifacts=Artifacts(
            vmlinuz=ArtifactRef(sha256="ab" * 32, size=10),
            initrd=tuple(
                ArtifactRef(sha256=f"{number:02x}" * 32, size=20)
                for number in range(initrds)
            ),
            system_map=ArtifactRef(sha256="cd" * 32, size=30),
        ),
    )


def image(name: str = "web") -> dict[Key, Document]:
    """Make an image with one kernel and one entry."""
    return {
        Key("image", name): Image(arch="x86_64", default="production"),
        Key("kernel", "k1", name): kernel(),
        Key("entry", "production", name): BootConfig(kernel="k1"),
    }


def encode_shard(nodes: Iterable[Node]) -> bytes:
    """Return the bytes of a node file."""
    return codec.join_lines({each.name: codec.encode_node(each) for each in nodes})


def node(number: int, image: str = "web", **fields: object) -> Node:
    """Make a node with addresses of its own."""
    high, low = divmod(number, 256)
    plain: dict[str, object] = {
        "name": f"n{number:06}",
        "macs": (f"02:00:00:{high // 256:02x}:{high % 256:02x}:{low:02x}",),
        "ips": (f"10.{high // 256}.{high % 256}.{low}",),
        "image": image,
        "index": number,
    }
    return Node.model_validate(plain | fields)


def nodes(count: int, image: str = "web") -> dict[Key, Document]:
    """Make many nodes."""
    made = [node(number, image) for number in range(count)]
    return {Key("node", each.name): each for each in made}


def group(nodes: str, *params: str) -> Group:
    """Make a group."""
    return Group(nodes=nodes, params=params)


def commit(  # a commit has that many parts
    repository: Repository,
    parent: str | None,
    changes: Mapping[Key, Document | None],
    *,
    revision: int,
    op: str = "test",
    author: str = "Ann Admin",
    subject: str = "a change",
    time: int | None = None,
) -> str:
    """Commit changes as kp does, without moving a ref."""
    tree, objects = to_tree(Snapshot(repository, parent), changes)
    said = record.Record(subject=subject, revision=revision, op=op, host="head1")
    made = new_commit(
        tree=tree,
        parents=[parent] if parent else [],
        author=record.person(author, "head1"),
        committer="kp <kp@head1>",
        time=START + revision if time is None else time,
        message=record.format(said),
    )
    repository.write([*objects, made])
    return id_of(made)


def grow(repository: Repository, *steps: Mapping[Key, Document | None]) -> list[str]:
    """Commit steps one on another and move main; return the commits."""
    made: list[str] = []
    for number, changes in enumerate(steps, 1):
        parent = made[-1] if made else None
        made.append(commit(repository, parent, changes, revision=number))
    repository.advance(MAIN, None, made[-1], host="head1")
    return made


def git(path: Path, *arguments: str, check: bool = True, **more: str) -> str:
    """Run git without this machine's configuration; return what it printed."""
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": "/nonexistent",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_AUTHOR_NAME": "Bob",
        "GIT_AUTHOR_EMAIL": "bob@desk",
        "GIT_COMMITTER_NAME": "Bob",
        "GIT_COMMITTER_EMAIL": "bob@desk",
        "LC_ALL": "C",
    }
    done = subprocess.run(
        ["git", *arguments],
        cwd=path,
        env=environment | more,
        capture_output=True,
        text=True,
        check=False,
    )
    if check and done.returncode:
        raise AssertionError(f"git {arguments}: {done.stderr}")
    return done.stdout + done.stderr
