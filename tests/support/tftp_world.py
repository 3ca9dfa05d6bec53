"""A small made-up site on a TFTP target, and the loaders that boot from it.

A `Commit` says which templates and nodes there are; `change` gives the generation
between two of them, as the transaction would. `boot` fetches files as loaders do,
through a server that is chrooted into the root (tftpd-hpa --secure).
"""

import hashlib
import os
import re
import stat
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from kpstore.errors import NotFound
from kpstore.loaders.lookup import lookups
from kpstore.targets.tftp.format.layout import place_of
from kpstore.targets.tftp.format.state import GenerationState, read_live
from kpstore.targets.tftp.generation import Generation, NodeForm
from kpstore.targets.tftp.target import TftpTarget
from kpstore.targets.values import Marker, ObjectFile

SITE = "5" * 32
LOADERS = ("pxelinux", "grub", "ipxe")
NOW = 1_900_000_000.0
BOOT_SCRIPT = (
    b"#!ipxe\n# kp: the node's own, else the policy\n"
    b"chain 01-${net0/mac:hexhyp}.ipxe || chain ../kp/live/policy/ipxe\n"
)
ENTRY = {
    "pxelinux": "pxelinux.cfg/01-{}",
    "grub": "grub/grub.cfg-01-{}",
    "ipxe": "ipxe/01-{}.ipxe",
}
DEFAULT = {"pxelinux": "pxelinux.cfg/default", "grub": "grub/grub.cfg"}


def mac(number: int) -> str:
    """Return the MAC of the n-th node."""
    digits = f"{number:08x}"
    return "52:54:" + ":".join(digits[i : i + 2] for i in range(0, 8, 2))


def template(image: str, key: str = "") -> str:
    """Return a template's name, as the model makes it."""
    return f"{image}~{hashlib.sha256(key.encode()).hexdigest()[:12]}"


WEB, DB, GPU = template("web"), template("db"), template("gpu")


@dataclass(frozen=True)
class Commit:
    """Templates with the kernel that each boots; nodes with template and index.

    A node with an index has own files: pxelinux' is the whole menu, GRUB's sets the
    index and goes on to the template's; iPXE needs none here.
    """

    revision: int
    kernels: Mapping[str, str]
    nodes: Mapping[str, tuple[str, int | None]] = field(default_factory=dict)

    @property
    def id(self) -> str:
        return hashlib.sha1(f"r{self.revision}".encode()).hexdigest()

    @property
    def marker(self) -> Marker:
        return Marker(SITE, self.id, self.revision, {"nodes": f"tree{self.revision}"})

    def menu(self, name: str, loader: str, index: int | None = None) -> bytes:
        """Render a menu; two commits with the same kernel render the same."""
        kernel = object_file(self.kernels[name])
        text = f"{loader} menu of {name}\nlinux /{kernel.path}\nindex {index}\n"
        return text.encode()

    def form(self, node: str) -> NodeForm | None:
        if node not in self.nodes:
            return None
        name, index = self.nodes[node]
        if index is None:
            return NodeForm(name)
        more = f"set kp_index={index}\nconfigfile /kp/live/{place_of(name)}/grub\n"
        files = {"pxelinux": self.menu(name, "pxelinux", index), "grub": more.encode()}
        return NodeForm(name, files)

    def menus(self, name: str) -> dict[str, bytes]:
        return {loader: self.menu(name, loader) for loader in LOADERS}


# A change that has every way for a node to move, and the commit before it.
NODES = [mac(number) for number in range(8)]
OLD = Commit(
    1,
    {WEB: "6.1", DB: "6.1"},
    {
        NODES[0]: (WEB, None),  # stays
        NODES[1]: (WEB, None),  # moves to db
        NODES[2]: (WEB, None),  # gets a file of its own
        NODES[3]: (WEB, 3),  # loses it and moves
        NODES[4]: (WEB, 4),  # keeps it and moves
        NODES[5]: (DB, None),  # goes
    },
)
NEW = Commit(
    2,
    {WEB: "6.6", DB: "6.1", GPU: "6.12"},
    {
        NODES[0]: (WEB, None),
        NODES[1]: (DB, None),
        NODES[2]: (WEB, 2),
        NODES[3]: (GPU, None),
        NODES[4]: (DB, 4),
        NODES[6]: (WEB, None),  # comes, to a template that is there
        NODES[7]: (GPU, 7),  # comes
    },
)


def kernel_bytes(kernel: str) -> bytes:
    return f"the kernel {kernel}\n".encode() * 50


def object_file(kernel: str) -> ObjectFile:
    data = kernel_bytes(kernel)
    digest = hashlib.sha256(data).hexdigest()
    return ObjectFile(digest, len(data), f"kp/objects/{digest}/vmlinuz")


class Store:
    """Artifacts in a directory, by SHA-256."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(exist_ok=True)

    def add(self, kernel: str) -> None:
        (self.folder / object_file(kernel).sha256).write_bytes(kernel_bytes(kernel))

    def path(self, sha256: str) -> Path:
        path = self.folder / sha256
        if not path.exists():
            raise NotFound(f"no artifact {sha256}")
        return path


def policy() -> dict[str, bytes]:
    return {loader: f"{loader}: boot from disk\n".encode() for loader in LOADERS}


def change(old: Commit | None, new: Commit, *, now: float = NOW) -> Generation:
    """Return the generation that turns `old` into `new`; all of it without `old`."""
    if old is None:
        return whole(new, now=now)
    fresh = {n for n, k in new.kernels.items() if old.kernels.get(n) != k}
    nodes = [n for n in {**old.nodes, **new.nodes} if old.form(n) != new.form(n)]
    return Generation(
        marker=new.marker,
        menus={name: new.menus(name) for name in fresh},
        kept=frozenset(new.kernels.keys() - fresh) | {"policy"},
        objects=tuple(object_file(new.kernels[name]) for name in sorted(fresh)),
        nodes={node: new.form(node) for node in nodes},
        now=now,
    )


def whole(commit: Commit, *, now: float = NOW) -> Generation:
    """Return a commit's complete generation."""
    return Generation(
        marker=commit.marker,
        menus={name: commit.menus(name) for name in commit.kernels},
        kept=frozenset(),
        objects=tuple(object_file(kernel) for kernel in commit.kernels.values()),
        nodes={node: commit.form(node) for node in commit.nodes},
        now=now,
        complete=True,
    )


class World:
    """A target in a temporary directory, and the store that feeds it."""

    def __init__(self, folder: Path, **options: str) -> None:
        self.folder = folder
        self.root = folder / "tftp"
        self.root.mkdir(exist_ok=True)
        self.store = Store(folder / "artifacts")
        for kernel in ("6.1", "6.6", "6.12"):
            self.store.add(kernel)
        self.target = self.new_target(**options)

    def new_target(self, **options: str) -> TftpTarget:
        """Look at the root as a new process does."""
        return TftpTarget(
            self.root,
            "main",
            SITE,
            LOADERS,
            artifacts=self.store,
            lookups=lookups(options.pop("grub_dir", "grub")),
            policy=policy(),
            scripts={"ipxe": BOOT_SCRIPT},
            **options,
        )

    def publish(self, old: Commit | None, new: Commit, *, now: float = NOW) -> int:
        return self.target.stage(change(old, new, now=now)).switch()

    def served(self, nodes: Mapping[str, object] | set[str]) -> dict[str, object]:
        """Return what each node's loaders end with."""
        return {
            f"{node} {loader}": boot(self.root, loader, node)
            for node in sorted(nodes)
            for loader in LOADERS
        }

    def state(self) -> GenerationState:
        """Return what STATE and its shelves say of what is live."""
        live = read_live(self.target._layout)
        assert live is not None
        return live.state

    def temps(self) -> list[str]:
        return sorted(p.name for p in self.root.rglob(".kp-tmp-*"))


def expected(
    commit: Commit, nodes: Mapping[str, object] | set[str]
) -> dict[str, object]:
    """Return what `served` must be when exactly this commit is live."""
    return {
        f"{node} {loader}": _expected(commit, node, loader)
        for node in sorted(nodes)
        for loader in LOADERS
    }


def _expected(commit: Commit, node: str, loader: str) -> tuple[str, bytes]:
    if node not in commit.nodes:
        return f"{loader}: boot from disk\n", b""
    name, index = commit.nodes[node]
    index = index if loader == "pxelinux" else None
    menu = commit.menu(name, loader, index).decode()
    if loader == "grub" and commit.nodes[node][1] is not None:
        menu = f"kp_index={commit.nodes[node][1]}\n{menu}"
    return menu, kernel_bytes(commit.kernels[name])


def fetch(root: Path, path: str) -> bytes | None:
    """Serve a file as a TFTP server in a chroot does; None: file not found.

    An absolute link starts at the root of the chroot, so kp's may not be one; `..`
    at the root stays there; a file must be readable by others, its folders too.
    """
    here: list[str] = []
    todo = [part for part in path.split("/") if part][::-1]
    for _ in range(400):
        if not todo:
            break
        part = todo.pop()
        if part == "..":
            here = here[:-1]
            continue
        found = root.joinpath(*here, part)
        try:
            mode = found.lstat().st_mode
        except (FileNotFoundError, NotADirectoryError):
            return None
        if stat.S_ISLNK(mode):
            text = os.readlink(found)
            assert not text.startswith("/"), f"{found} -> {text}"
            todo += [step for step in text.split("/") if step][::-1]
            continue
        assert stat.S_ISREG(mode) or stat.S_ISDIR(mode)
        assert mode & (0o004 if stat.S_ISREG(mode) else 0o001), f"{found} {mode:o}"
        here.append(part)
    data = root.joinpath(*here)
    return data.read_bytes() if data.is_file() else None


def boot(root: Path, loader: str, node: str) -> tuple[str, bytes]:
    """Boot a node: return the menu text that it ends with, and its kernel's bytes."""
    data = fetch(root, ENTRY[loader].format(node.replace(":", "-")))
    if data is None and loader == "ipxe":
        data = fetch(root, "kp/live/policy/ipxe")  # once there is one: by kp's script
        script = fetch(root, "ipxe/boot.ipxe") or b""
        assert data is None or b"chain ../kp/live/policy/ipxe" in script
    elif data is None:
        data = fetch(root, DEFAULT[loader])
    if data is None:
        return "no menu", b""
    text = data.decode()
    if found := re.fullmatch(r"set (kp_index=\d+)\nconfigfile (\S+)\n", text):
        text = f"{found[1]}\n{(fetch(root, found[2]) or b'no menu').decode()}"
    kernel = re.search(r"^linux (\S+)$", text, re.M)
    return text, (fetch(root, kernel[1]) or b"no kernel") if kernel else b""


def links(root: Path) -> Iterator[tuple[str, str]]:
    """Return every symbolic link below the root, with its text."""
    for path in root.rglob("*"):
        if path.is_symlink():
            yield str(path.relative_to(root)), os.readlink(path)
