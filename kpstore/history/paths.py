"""The refs, and the tree on main: which document is which path (docs/format.md).

Free of models and git, so that `kp log` and the index need neither. A document is
named here by a plain `(kind, name, within)`, which equals its `model.keys.Key`.
"""

import hashlib
import re
from typing import Final, NamedTuple

from kpstore.errors import CorruptState, InvalidInput

Place = tuple[str, str, str]
"""Kind, name, and the image of an entry or kernel: equal to a `Key`."""

MAIN: Final = "refs/heads/main"
DRAFTS: Final = "refs/kp/drafts/"
SAVED: Final = "refs/kp/saved/"  # <user>/<name>
ATTRIBUTES: Final = ".gitattributes"

_NAME: Final = r"[A-Za-z0-9][A-Za-z0-9._+~-]{0,63}"
_PATHS: Final = [
    ("site", re.compile(r"(?P<name>)site\.json")),
    ("target", re.compile(rf"targets/(?P<name>{_NAME})\.json")),
    ("image", re.compile(rf"images/(?P<name>{_NAME})/image\.json")),
    (
        "entry",
        re.compile(rf"images/(?P<within>{_NAME})/entries/(?P<name>{_NAME})\.json"),
    ),
    (
        "kernel",
        re.compile(
            rf"images/(?P<within>{_NAME})/kernels/(?P<name>{_NAME})/kernel\.json"
        ),
    ),
    ("group", re.compile(rf"groups/(?P<name>{_NAME})\.json")),
    (
        "verdict",
        re.compile(r"verdicts/(?P<shard>[0-9a-f]{2})/(?P<name>[0-9a-f]{32})\.json"),
    ),
    ("rollout", re.compile(rf"rollouts/(?P<name>{_NAME})\.json")),
]
_SHARD: Final = re.compile(r"nodes/([0-9a-f]{2})\.jsonl")
_POINTER: Final = re.compile(
    rf"images/({_NAME})/kernels/({_NAME})/"
    r"(vmlinuz|initrd|initrd-[1-9][0-9]?|modules|System\.map|config)"
)
# Names that NTFS may give to .git, .gitmodules and the like: `git fsck --strict`
# refuses a tree with them (git's is_ntfs_dotgit and is_ntfs_dot_generic).
_NTFS: Final = re.compile(
    r"(git|gitmod|gitatt|gitign|mailma|gi7eba|gi7d29|gi250a|maba30)~[0-9]+.*", re.I
)
_NODE_NAME: Final = b'"name":"'


class Folder(NamedTuple):
    """Where the documents of a kind lie: a folder, and what follows the name."""

    path: str
    suffix: str


def folder_of(kind: str, within: str = "") -> Folder:
    """Return the folder of a kind that has one document a name."""
    folders = {
        "target": Folder("targets", ".json"),
        "image": Folder("images", "/image.json"),
        "entry": Folder(f"images/{within}/entries", ".json"),
        "kernel": Folder(f"images/{within}/kernels", "/kernel.json"),
        "group": Folder("groups", ".json"),
        "rollout": Folder("rollouts", ".json"),
    }
    return folders[kind]


def path_of(place: Place) -> str:
    """Return the path of a document; of a node: of the file that has its line."""
    kind, name, within = place
    if kind == "site":
        return "site.json"
    if kind == "node":
        return shard_path(shard_of(name))
    if kind == "verdict":
        return f"verdicts/{name[:2]}/{name}.json"
    if _NTFS.fullmatch(name):
        raise InvalidInput(
            f"{kind} name {name!r} is reserved: git refuses it in a tree",
            hint="choose a name without `~` after these letters",
        )
    folder, suffix = folder_of(kind, within)
    return f"{folder}/{name}{suffix}"


def place_of(path: str) -> Place | None:
    """Return the one document that a path holds.

    None for `.gitattributes`, artifact pointers and node files; InvalidInput for a
    path that kp never writes.
    """
    for kind, pattern in _PATHS:
        if match := pattern.fullmatch(path):
            parts = match.groupdict()
            if parts.get("shard", parts["name"][:2]) == parts["name"][:2]:
                return kind, parts["name"], parts.get("within") or ""
    if path == ATTRIBUTES or pointer_of(path) or shard_in(path):
        return None
    raise InvalidInput(
        f"{path} is no path of kp's", hint="docs/format.md lists the tree on main"
    )


def pointer_of(path: str) -> Place | None:
    """Return the kernel that the artifact pointer at `path` belongs to."""
    match = _POINTER.fullmatch(path)
    return ("kernel", match[2], match[1]) if match else None


def shard_of(node: str) -> str:
    """Return the two hex digits that name the file of a node."""
    return hashlib.sha256(node.encode()).hexdigest()[:2]


def shard_path(shard: str) -> str:
    """Return the path of a node file."""
    return f"nodes/{shard}.jsonl"


def shard_in(path: str) -> str | None:
    """Return the shard of a node file's path, else None."""
    match = _SHARD.fullmatch(path)
    return match[1] if match else None


def node_lines(data: bytes) -> dict[str, bytes]:
    """Return the canonical lines of a node file by node name.

    No field before `name` can hold a quote, so its first occurrence is the name.
    """
    lines: dict[str, bytes] = {}
    for line in data.splitlines():
        start = line.find(_NODE_NAME) + len(_NODE_NAME)
        end = line.find(b'"', start)
        if start < len(_NODE_NAME) or end < 0:
            raise CorruptState(f"a node line has no name: {line[:80]!r}")
        lines[line[start:end].decode("utf-8", "replace")] = line
    return lines


def node_line(data: bytes, name: str) -> bytes | None:
    """Return the canonical line of one node."""
    quoted = _NODE_NAME + name.encode() + b'"'
    at = data.find(quoted)
    while at >= 0:
        start, end = data.rfind(b"\n", 0, at) + 1, data.find(b"\n", at)
        if data.find(_NODE_NAME, start) == at:  # not a variable called "name"
            return data[start : end if end >= 0 else len(data)]
        at = data.find(quoted, at + 1)
    return None


def changed_nodes(old: bytes, new: bytes) -> set[str]:
    """Return the names of the nodes whose lines differ between two node files."""
    if not (old and new):
        return set(node_lines(old or new))
    ours, theirs = set(old.splitlines()), set(new.splitlines())
    return set(node_lines(b"\n".join(ours ^ theirs)))
