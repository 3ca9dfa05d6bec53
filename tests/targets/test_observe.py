"""What a TFTP server finds of a site: the rules of docs/format.md, by the facade."""

import hashlib
import os
import re
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from kpstore.edits import entries, images, nodes
from kpstore.errors import Refused
from kpstore.loaders import registry
from kpstore.loaders.menu import Linux
from kpstore.model.keys import Key
from support import bootcheck, sites
from support.chroot import Chroot
from support.sites import LOADERS, SmallSite, first_import, mac, second_kernel

PLACES = {"": "grub", "pxe/main": "boot/grub"}  # prefix: GRUB's folder below it
ENTRY = {
    "pxelinux": "pxelinux.cfg/01-{}",
    "grub": "{grub}/grub.cfg-01-{}",
    "ipxe": "ipxe/01-{}.ipxe",
}
NEXT = {
    "grub": re.compile(rb"^ *configfile '([^']*)'$", re.M),
    "ipxe": re.compile(rb"^chain (\S+) \|\| goto again$", re.M),
}


class Counting(Chroot):
    """Counts how often look-ups pass through `live`."""

    passes = 0

    def _link(self, path: str) -> str | None:
        text = super()._link(path)
        self.passes += text is not None and path.endswith("kp/live")
        return text

    def menu(self, path: str) -> bytes:
        """Fetch what a node asks for; exactly one pass leads there."""
        self.passes = 0
        data = self.fetch(path)
        assert data is not None, path
        assert self.passes == 1, path
        return data


@pytest.fixture(params=PLACES)
def site(tmp_path: Path, request: pytest.FixtureRequest) -> SmallSite:
    """A site with a prefix or without, after image-level and node-level changes."""
    site, prefix = SmallSite(tmp_path), str(request.param)
    old = os.umask(0o077)
    try:
        picker = site.create()
        site.tftp.chmod(0o755)
        with picker.edit("all") as edit:
            sites.lay_out(picker, edit.state)
            net = edit.state.target("net")
            options = {"prefix": prefix, "grub_dir": PLACES[prefix]}
            changed = net.options.model_copy(update=options)
            edit.state.put(
                Key("target", "net"), net.model_copy(update={"options": changed})
            )
        second_kernel(site.picker())
        sites.moving_nodes(site.picker())
    finally:
        os.umask(old)
    return site


def prefix_of(site: SmallSite) -> str:
    return site.picker().view().target("net").options.prefix


def chain(site: SmallSite, node: str, loader: str) -> Linux | None:
    """Follow a node from its entry point to its kernel; None: from its disk."""
    prefix = prefix_of(site)
    base = site.tftp / prefix
    # PXELINUX looks below the folder that it was loaded from: kp's root.
    root = Counting(base if loader == "pxelinux" else site.tftp)
    start = "" if loader == "pxelinux" else prefix
    name = ENTRY[loader].format(node.replace(":", "-"), grub=PLACES[prefix])
    data = root.menu(f"{start}/{name}")
    found = NEXT[loader].search(data) if loader in NEXT else None
    if found:
        data = root.menu(found[1].decode())
    boot = registry.network(loader).read_menu(data).boot
    if not isinstance(boot, Linux):
        return None
    for path in (boot.kernel, *boot.initrds):
        assert "/live/" not in path
        root.passes = 0
        got = root.fetch(path)
        assert root.passes == 0
        assert got is not None, path
        assert hashlib.sha256(got).hexdigest() in path
    return boot


@pytest.mark.parametrize("loader", LOADERS)
def test_every_chain_leads_through_live_once_and_to_its_kernel(
    site: SmallSite, loader: str
) -> None:
    for number in (0, 1, 2, 4, 5, 6):
        assert chain(site, mac(number), loader), number
    gone = ENTRY[loader].format(mac(3).replace(":", "-"), grub=PLACES[prefix_of(site)])
    assert not os.path.lexists(site.tftp / prefix_of(site) / gone)


def links(site: SmallSite) -> Iterator[Path]:
    for path in site.tftp.rglob("*"):
        if path.is_symlink():
            yield path


def test_links_are_relative_and_stay_in_the_root(site: SmallSite) -> None:
    found = list(links(site))
    assert found
    for path in found:
        text = os.readlink(path)
        assert not text.startswith("/"), path
        inside = os.path.normpath(path.parent / text)
        assert Path(inside).is_relative_to(site.tftp), path


def test_modes_are_for_all_to_read_whatever_the_umask(site: SmallSite) -> None:
    seen = set()
    for path in site.tftp.rglob("*"):
        mode = path.lstat().st_mode
        if stat.S_ISLNK(mode) or "reserve" in path.parts:  # no node's
            continue
        kind = "object" if "objects" in path.parts and path.is_file() else "other"
        kind = "folder" if path.is_dir() else kind
        seen.add((kind, stat.S_IMODE(mode)))
    assert seen == {("object", 0o444), ("other", 0o644), ("folder", 0o755)}


def test_nothing_that_a_node_fetches_is_a_name_of_an_artifact(site: SmallSite) -> None:
    store = site.root / "state.git/lfs/objects"
    kept = {path.stat().st_ino for path in store.rglob("*") if path.is_file()}
    roots = (site.tftp, site.tree)
    given = {p.stat().st_ino for r in roots for p in r.rglob("*") if p.is_file()}
    assert kept
    assert not kept & given


def test_a_foreign_default_is_kept_until_the_target_is_adopted(tmp_path: Path) -> None:
    site = SmallSite(tmp_path)
    site.create()
    theirs = site.tftp / "pxelinux.cfg/default"
    theirs.parent.mkdir(mode=0o755)
    theirs.write_bytes(b"DEFAULT theirs\n")
    first_import(site.picker())
    second_kernel(site.picker())
    picker = site.picker()
    picker.publish()
    assert theirs.read_bytes() == b"DEFAULT theirs\n"
    assert (site.tftp / "grub/grub.cfg").is_symlink()
    assert chain(site, mac(0), "pxelinux")
    set_aside = picker.adopt("net")
    assert set_aside == ["pxelinux.cfg/default"]
    assert os.readlink(theirs) == "../kp/live/policy/pxelinux"
    kept = [path for path in (site.root / "found").rglob("*") if path.is_file()]
    assert [path.read_bytes() for path in kept] == [b"DEFAULT theirs\n"]


def test_a_foreign_file_in_a_node_s_way_refuses_that_commit_by_name(
    tmp_path: Path,
) -> None:
    site = sites.make(tmp_path, first_import)
    theirs = site.tftp / f"grub/grub.cfg-01-{mac(7).replace(':', '-')}"
    theirs.write_bytes(b"echo theirs\n")
    tip = site.picker().site.tip()
    with (
        pytest.raises(Refused, match=re.escape(str(theirs))),
        site.picker().edit("n007") as edit,
    ):
        nodes.add(edit.state, "n007", {"macs": (mac(7),), "image": "web"})
    assert site.picker().site.tip() == tip
    assert theirs.read_bytes() == b"echo theirs\n"
    theirs.unlink()
    assert bootcheck.clean(site) == []


# --- an image whose entries come and go under its nodes


def drift(site: SmallSite) -> list[object]:
    verified = site.picker().verify(deep=True)
    return [finding for each in verified for finding in each.drift]


def grown(site: SmallSite, params: tuple[str, ...]) -> None:
    """Give an image without entries its first one."""
    kernel = sites.add_kernel(site.picker(), "6.1")
    with site.picker().edit("the first entry") as edit:
        sites.put_kernel(edit.state, "late", kernel)
        entries.add(edit.state, "late", "run", {"kernel": "6.1", "params": params})


@pytest.mark.parametrize("params", [(), ("id={node.index}",)])
@pytest.mark.parametrize("loader", LOADERS)
def test_nodes_follow_an_image_whose_entries_come_later_and_go(
    tmp_path: Path, loader: str, params: tuple[str, ...]
) -> None:
    site = sites.make(tmp_path, first_import)
    with site.picker().edit("an image, nodes first") as edit:
        images.add(edit.state, "late", {"arch": "x86_64"})
        fields = {"macs": (mac(9),), "image": "late", "index": 9}
        nodes.add(edit.state, "n009", fields)
    entry = site.tftp / ENTRY[loader].format(mac(9).replace(":", "-"), grub="grub")
    policy = entry.read_bytes()
    for _ in range(2):
        grown(site, params)
        assert entry.read_bytes() != policy
        assert drift(site) == []
        with site.picker().edit("none again") as edit:
            edit.state.drop(Key("entry", "run", "late"))
            images.change(edit.state, "late", {"default": None})
        assert entry.read_bytes() == policy
        assert drift(site) == []
