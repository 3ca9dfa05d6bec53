"""Sites made through KernelPicker that real machines boot from.

Debian's cloud kernel and the rig's small initrds are taken in as `kp kernel add
--files` does it. `loaded` has every kind of node and every character that a parameter
may hold; `small` has one node, for stories.
"""

import contextlib
import io
import json
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kpcmd.app import main
from kpcmd.context import World
from kpstore.edits import entries, groups, images, kernels, nodes, targets
from kpstore.model.state import State
from kpstore.outcome import Outcome
from kpstore.picker import KernelPicker
from kpstore.sources.files import KernelFiles, gather_files
from kpstore.sources.gathering import Needs
from support.rig import guest, parts
from support.sites import SmallSite, done

OWN, PLAIN, DISK = "n017", "n018", "n019"
MACS = {
    OWN: "52:54:00:12:34:17",
    PLAIN: "52:54:00:12:34:18",
    DISK: "52:54:00:12:34:19",
}
LOADERS = ("pxelinux", "grub", "ipxe")
ODD = (
    *("kp.empty=", "kp.flag", "kp.size=1G$4G", "kp.dollar=$kp_index"),
    *("kp.shell=a;b&c!d#e*f<g>h|i?", "kp.more=[0-9]~+%^@:()", "dyndbg=module foo +p"),
    *("kp.words=a ; ; b -- ! c;", "kp.who=image"),
)
VARIABLES = (
    *("node_id={node.index}", "kp.a={node.name}-{node.var.rack}", "kp.e={node.var.e}"),
    "kp.mid=a {node.var.rack} {node.var.e} {node.mac}",
)


@dataclass(frozen=True)
class Initrd:
    """One of the rig's initrds, as a kernel of that name gets it."""

    name: str
    data: bytes

    @classmethod
    def good(cls, name: str) -> "Initrd":
        """Return one whose guest reports under `name`."""
        return cls(name, guest.good_initrd(name, parts.kernel_release()))

    @classmethod
    def bad(cls, name: str) -> "Initrd":
        """Return one whose guest panics."""
        return cls(name, guest.bad_initrd(name, parts.kernel_release()))


def add_kernel(picker: KernelPicker, state: State, where: Path, initrd: Initrd) -> None:
    """Give image web the real kernel with an initrd, by the initrd's name."""
    file = where / f"{initrd.name}.img"
    file.write_bytes(initrd.data)
    given = KernelFiles(parts.kernel(), (file,))
    found = gather_files(picker.site.artifacts, given, Needs("x86_64"))
    kernels.add(state, "web", initrd.name, found.kernel)


def loaded(where: Path) -> SmallSite:
    """Make a site with a node with variables, one without, and one for its disk."""
    site = SmallSite(where)
    picker = site.create()
    with picker.edit("everything", op="import") as edit:
        state = edit.state
        targets.add(state, "net", {"kind": "tftp", "loaders": LOADERS})
        tree = {"kind": "image", "loaders": ("grub",), "image": "web"}
        targets.add(state, "disk", tree)
        images.add(state, "web", {"arch": "x86_64", "params": ("panic=5", *ODD)})
        add_kernel(picker, state, where, Initrd.good("over-the-network"))
        add_kernel(picker, state, where, Initrd.good("from-the-disk"))
        over = {"kernel": "over-the-network"}
        entries.add(state, "web", "production", {**over, "params": VARIABLES})
        entries.add(state, "web", "both", {**over, "method": "mixed"})
        local = {"kernel": "from-the-disk", "method": "local", "params": ("kp.disk",)}
        entries.add(state, "web", "installed", local)
        _add_nodes(state)
        _add_groups(state)
    assert not done(edit.outcome).behind
    return site


def _add_nodes(state: State) -> None:
    for index, name in ((17, OWN), (18, PLAIN), (19, DISK)):
        fields = {"macs": (MACS[name],), "image": "web", "index": index}
        nodes.add(state, name, fields)
    own = {"vars": {"rack": "r=1,2", "e": ""}, "params": ("kp.who=node",)}
    nodes.change(state, [OWN], own)
    nodes.set_next(state, [PLAIN], "both", ("kp.next=1",))
    nodes.set_next(state, [DISK], "installed")


def _add_groups(state: State) -> None:
    params = ("console=tty0", "console=ttyS0,115200", "kp.who=rack1")
    groups.add(state, "rack1", {"nodes": "n[017-019]", "params": params})
    groups.add(state, "late", {"nodes": OWN, "params": ("kp.flag=2",), "priority": 5})


def small(where: Path) -> SmallSite:
    """Make a site with one node whose image boots a good kernel, and known good."""
    site = SmallSite(where)
    picker = site.create()
    with picker.edit("first day", op="import") as edit:
        targets.add(edit.state, "net", {"kind": "tftp", "loaders": LOADERS})
        params = ("console=ttyS0,115200", "panic=5")
        images.add(edit.state, "web", {"arch": "x86_64", "params": params})
        add_kernel(picker, edit.state, where, Initrd.good("good-1"))
        fields = {"kernel": "good-1", "params": ("node_id={node.index}",)}
        entries.add(edit.state, "web", "production", fields)
        node = {"macs": (MACS[OWN],), "image": "web", "index": 17}
        nodes.add(edit.state, OWN, node)
    assert not done(edit.outcome).behind
    return site


def bring_in(site: SmallSite, initrd: Initrd) -> Outcome:
    """Commit: the default entry of image web boots the kernel with another initrd."""
    picker = site.picker()
    with picker.edit(f"web: {initrd.name}") as edit:
        add_kernel(picker, edit.state, site.where, initrd)
        entries.change(edit.state, "web", "production", {"kernel": initrd.name})
    return done(edit.outcome)


def ask_kp(site: SmallSite, argv: Iterable[str]) -> Any:
    """Return what a `kp … --json` prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        status = main([*argv, "--site", str(site.root), "--json"], World("ann", "head"))
    assert status == 0, out.getvalue()
    return json.loads(out.getvalue())


def command_line(site: SmallSite, entry: str, node: str | None = None) -> str:
    """Return what `kp entry show web ENTRY [--node NODE] --json` says."""
    whose = ["--node", node] if node else []
    shown = ask_kp(site, ["entry", "show", "web", entry, *whose])
    return str(shown["cmdline"])
