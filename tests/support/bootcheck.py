"""What nodes get from a small site, held against what its history says.

`served` follows every entry point as a TFTP server in a chroot would, then the menu
to its kernel and initrds. `expected` renders a commit. `as_found` and `clean` say
what is wrong with a site: after a crash, and after the next command.
"""

import hashlib
import os
import re
import subprocess
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

from kpstore.disk.beneath import Beneath
from kpstore.disk.descriptors import TEMP_PREFIX
from kpstore.errors import KpError
from kpstore.history import walk
from kpstore.history.snapshot import Snapshot
from kpstore.loaders import registry
from kpstore.loaders.lookup import lookups
from kpstore.loaders.menu import Linux
from kpstore.model.census import FullCensus
from kpstore.model.state import State
from kpstore.picker import KernelPicker
from kpstore.site.targets import SiteTarget
from kpstore.targets.desired import Desired
from kpstore.targets.tftp import render as tftp_render
from kpstore.targets.tftp.format.layout import (
    GENERATIONS,
    MENUS,
    OBJECTS,
    RETIRED,
    SHARDS,
    SHELVES,
    Layout,
)
from kpstore.targets.tftp.format.state import read_live, read_state
from kpstore.targets.tftp.generation import Generation
from kpstore.targets.tree import render as tree_render
from kpstore.targets.tree.layout import TreeRendering
from kpstore.targets.tree.modules import content as modules_content
from kpstore.targets.tree.records import read_live as read_tree_live
from kpstore.targets.values import Marker
from support.chroot import Chroot
from support.sites import LOADERS, SITE_ID, SmallSite, mac
from support.tftp_world import DEFAULT, ENTRY
from support.treesite import ORIGINAL

MACS: Final = tuple(mac(number) for number in range(8))
GRUB_CFG: Final = "boot/grub/grub.cfg"
LOST: Final = "acknowledged, and not in history"
_NEXT: Final = {
    "grub": re.compile(rb"^ *configfile '([^']*)'$", re.M),
    "ipxe": re.compile(rb"^chain (\S+) \|\| goto again$", re.M),
}

_RENDER: Final[Mapping[str, Callable[..., Generation | TreeRendering]]] = {
    "tftp": tftp_render.render,
    "image": tree_render.render,
}

Fetch = Callable[[str], bytes | None]
Files = tuple[bytes, ...]
"""The files that one node fetches: an own file, a menu."""


@dataclass(frozen=True)
class Rendered:
    """What a commit says: the files of each MAC and loader; the tree's rendering.

    `artifacts`: release and SHA-256 of every file that its kernels name.
    """

    nodes: Mapping[tuple[str, str], Files]
    tree: TreeRendering | None
    artifacts: Collection[tuple[str, str]]


NOTHING: Final = Rendered(
    {(node, loader): () for node in MACS for loader in LOADERS}, None, ()
)
_rendered: dict[str, Rendered] = {}


def expected(picker: KernelPicker, commit: str) -> Rendered:
    """Render a commit of main; the same commit in another place is the same."""
    if commit not in _rendered:
        _rendered[commit] = _render(picker, commit)
    return _rendered[commit]


def _render(picker: KernelPicker, commit: str) -> Rendered:
    state = State(Snapshot(picker.site.repository, commit))
    census = FullCensus(state)
    desired = Desired(state, Marker(SITE_ID, commit, 0), 0, 0, counted=census)
    nodes, tree = NOTHING.nodes, None
    for target in picker.site.targets(state):
        made = _RENDER[target.spec.kind](target.spec, desired)
        if isinstance(made, Generation):
            nodes = _nodes(made)
        elif made.files:
            tree = made
    return Rendered(nodes, tree, list(_named(state)))


def _named(state: State) -> Iterator[tuple[str, str]]:
    for image in state.names("image"):
        for release in state.names("kernel", image):
            for ref in state.kernel(image, release).artifacts.refs():
                yield release, ref.sha256


def _nodes(made: Generation) -> dict[tuple[str, str], Files]:
    return {
        (node, loader): _files(made, node, loader)
        for node in MACS
        for loader in LOADERS
    }


def _files(made: Generation, node: str, loader: str) -> Files:
    form = made.nodes.get(node)
    menu = made.menus[form.template if form else "policy"][loader]
    own = (form.files or {}).get(loader) if form else None
    if own is None:
        return (menu,)
    return (own,) if loader == "pxelinux" else (own, menu)


# --- what is there


class MissingFileError(Exception):
    """A file that a node was sent to isn't there."""


def served(root: Path) -> dict[tuple[str, str], Files]:
    """Fetch every node's files as its loaders do."""
    fetch = Chroot(root).fetch
    return {
        (node, loader): fetched(fetch, node, loader)
        for node in MACS
        for loader in LOADERS
    }


def fetched(fetch: Fetch, node: str, loader: str) -> Files:
    """Fetch one node's files; none where not even the policy is there."""
    data = fetch(ENTRY[loader].format(node.replace(":", "-")))
    if data is None:
        data = fetch(DEFAULT.get(loader, "kp/live/policy/ipxe"))
        return () if data is None else (data,)
    found = _NEXT[loader].search(data) if loader in _NEXT else None
    if found is None:
        return (data,)
    menu = fetch(found[1].decode())
    if menu is None:
        raise MissingFileError(f"{node} {loader}: no {found[1].decode()}")
    return data, menu


def broken_chains(
    root: Path, found: Iterable[tuple[tuple[str, str], Files]]
) -> set[str]:
    """Say which kernels and initrds of menus are missing or have other bytes."""
    menus = {(loader, files[-1]) for (_, loader), files in found if files}
    paths = {path for loader, data in menus for path in _boots(loader, data)}
    return {f"{path} is not what its name says" for path in paths if _wrong(root, path)}


@cache
def _boots(loader: str, data: bytes) -> tuple[str, ...]:
    boot = registry.network(loader).read_menu(data).boot
    return (boot.kernel, *boot.initrds) if isinstance(boot, Linux) else ()


def _wrong(root: Path, path: str) -> bool:
    data = Chroot(root).fetch(path) or b""
    return hashlib.sha256(data).hexdigest() != path.split("/")[3]


# --- what is wrong


def as_found(
    site: SmallSite, acks: Iterable[str] = (), *, before: str = ""
) -> list[str]:
    """Say what is wrong before anybody mends it: history, TFTP root, image tree.

    `before`: the commit that main was at; what it was served by must not be gone.
    """
    try:
        picker = site.picker()
        chain = history(picker)
        lost = [ack for ack in committed(acks) if ack not in chain]
        wrong = [f"{LOST}: {commit}" for commit in lost]
        wrong += _artifacts(picker)
        wrong += _gone(site, expected(picker, before)) if before else []
        return [*wrong, *_tftp(site, picker, chain), *_tree(site, picker, chain)]
    except (KpError, MissingFileError) as error:
        return [f"as found: {type(error).__name__}: {error}"]


def _artifacts(picker: KernelPicker) -> Iterator[str]:
    """Every file that main's kernels name is in the store, whole."""
    store, main = picker.site.artifacts, picker.site.tip()
    for release, sha256 in expected(picker, main).artifacts:
        if hashlib.sha256(store.path(sha256).read_bytes()).hexdigest() != sha256:
            yield f"artifact of {release} is torn: {sha256}"


def _gone(site: SmallSite, then: Rendered) -> Iterator[str]:
    if then.nodes != NOTHING.nodes and read_live(layout(site)) is None:
        yield "TFTP: nothing is live any more"
    if then.tree is not None and not (site.tree / GRUB_CFG).exists():
        yield "tree: grub.cfg is gone"


def committed(acks: Iterable[str]) -> list[str]:
    """Return the commits that were acknowledged."""
    return [ack.split()[1] for ack in acks if ack.startswith("committed ")]


def history(picker: KernelPicker) -> list[str]:
    """Return main's commits, newest first."""
    site = picker.site
    return [commit.id for commit in walk.chain(site.repository, site.tip())]


def _tftp(site: SmallSite, picker: KernelPicker, chain: list[str]) -> Iterator[str]:
    live = read_live(layout(site))
    found = served(site.tftp)
    if live is None:
        if found != NOTHING.nodes:
            yield "nothing is live, and yet nodes get menus"
        return
    commit = live.state.marker.commit
    if commit not in chain:
        yield "TFTP: an unrecorded commit is live"
    yield from _differences(found, expected(picker, commit).nodes)
    yield from broken_chains(site.tftp, found.items())


def layout(site: SmallSite) -> Layout:
    """Return the layout of the site's TFTP target."""
    return Layout(site.tftp, LOADERS, "", lookups("grub"))


def _differences(
    found: Mapping[tuple[str, str], Files], meant: Mapping[tuple[str, str], Files]
) -> Iterator[str]:
    for who in meant:
        if found[who] != meant[who]:
            what = "no menu" if not found[who] else "another commit's menu"
            yield f"TFTP: {who[1]} of {who[0]} gets {what}"


def _tree(site: SmallSite, picker: KernelPicker, chain: list[str]) -> Iterator[str]:
    config = site.tree / GRUB_CFG
    with Beneath.open(site.tree) as tree:
        live = read_tree_live(tree)
        if not config.exists():
            if live is not None:
                yield "tree: live, and no grub.cfg"
            return
        data = config.read_bytes()
        recorded = [(c, expected(picker, c).tree) for c in chain]
        fits = [(c, t) for c, t in recorded if _config(t) == data]
        if not fits:
            yield "tree: grub.cfg is torn or of an unrecorded commit"
        elif live and live.marker.commit not in [commit for commit, _ in fits]:
            yield "tree: the marker and grub.cfg are of different commits"
        for _, rendering in fits[:1]:
            yield from unbootable(tree, rendering) if rendering else ()


def _config(made: TreeRendering | None) -> bytes:
    """What grub.cfg holds: where nothing is listed, what it held before kp."""
    return made.files[GRUB_CFG] if made else ORIGINAL


def unbootable(tree: Beneath, made: TreeRendering) -> Iterator[str]:
    """Say what of the files that an image tree's entries name is missing or torn."""
    for each in made.objects:
        if not tree.exists(each.path):
            yield f"tree: {each.path} is missing"
        elif hashlib.sha256(tree.read(each.path, 1 << 20)).hexdigest() != each.sha256:
            yield f"tree: {each.path} is torn"
    for release, sha256, _ in made.modules:
        if modules_content(tree, release) != sha256:
            yield f"tree: the modules of {release} are missing or torn"


def clean(site: SmallSite, *, deep: bool = True, fsck: bool = True) -> list[str]:
    """Say what is not as a finished command leaves it; `deep` looks at every byte."""
    picker = site.picker()
    wrong = as_found(site)
    if deep:
        wrong += _found_by_verify(picker)
    for target in picker.site.targets(State(picker.site.main())):
        if not _serves(picker, target):
            wrong.append(f"{target.name} does not serve main")
    wrong += [*strays(site), *unneeded(site, picker)]
    return wrong + (fsck_errors(site) if fsck else [])


def _found_by_verify(picker: KernelPicker) -> Iterator[str]:
    for each in picker.verify(deep=True):
        yield from (f"{each.name}: {f.path} {f.kind}" for f in each.findings)
        if each.condition != "live":
            yield f"{each.name} is {each.condition}"


def _serves(picker: KernelPicker, target: SiteTarget) -> bool:
    subtree = picker.site.main().subtree
    return target.condition(subtree, picker.site.on_main) == "live"


def strays(site: SmallSite) -> list[str]:
    """Return temps, locks and journals that nobody needs any more."""
    return [
        f"stray {os.path.relpath(os.path.join(top, name), site.where)}"
        for top, folders, files in os.walk(site.where)
        for name in (*folders, *files)
        if name.startswith(TEMP_PREFIX) or name.endswith((".lock", ".tmp", "-journal"))
    ]


def unneeded(site: SmallSite, picker: KernelPicker) -> list[str]:
    """Return what lies on the TFTP target and belongs to no commit of main."""
    place, chain = layout(site), history(picker)
    known = {commit[:12] for commit in chain}
    made = _names(place.path(GENERATIONS))
    names = [name for name in made if not name.startswith(TEMP_PREFIX)]
    wrong = [
        f"left over: generation {name}"
        for name in names
        if name.partition("-")[2].partition(".")[0] not in known
    ]
    states = [read_state(place, name) for name in names]
    needed = {part.digest for state in states for part in state.parts()}
    needed |= {sha256 for state in states for sha256 in state.needs()}
    needed |= {name for state in states for name in state.shelf_names.values()}
    needed |= set(_retired(place))
    for folder in (SHELVES, MENUS, SHARDS, OBJECTS):
        for each in _names(place.path(folder)):
            if each not in needed:
                wrong.append(f"left over: {folder}/{each}")
    return wrong


def _retired(place: Layout) -> Iterator[str]:
    """Yield what the switches of the grace time dropped, and the objects it names."""
    for name in _names(place.path(RETIRED)):
        yield name.partition("-")[2]
        for file in place.path(RETIRED, name).iterdir():
            found = re.findall(rb"objects/([0-9a-f]{64})", file.read_bytes())
            yield from (digest.decode() for digest in found)


def _names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir()) if folder.exists() else []


def fsck_errors(site: SmallSite) -> list[str]:
    """Run `git fsck --strict`."""
    repository = str(site.root / "state.git")
    command = ["git", "-C", repository, "fsck", "--strict", "--no-dangling"]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    said = (run.stdout + run.stderr).strip()
    return [f"git fsck: {said}"] if run.returncode or said else []
