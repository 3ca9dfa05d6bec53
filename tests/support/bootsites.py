"""Sites made through KernelPicker that real machines boot from.

Debian's cloud kernel and the rig's small initrds are taken in as `kp kernel add
--files` does it. `loaded` has every kind of node and every character that a parameter
may hold; `small` has one node, for stories.
"""

import contextlib
import io
import json
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from kpcmd.app import main
from kpcmd.context import World
from kpstore.edits import entries, groups, images, kernels, nodes, targets
from kpstore.kernels.gather import Needs
from kpstore.kernels.origins.files import KernelFiles
from kpstore.model.state import State
from kpstore.operations.outcome import Outcome
from kpstore.picker import KernelPicker
from support.rig import guest, parts
from support.sites import SmallSite, done
from support.taking import gather_files

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


def loaded(where: Path) -> SmallSite:
    """Make a site with a node with variables, one without, and one for its disk.

    Nodes of image `gpu` boot over the network alone, those of `web` from their disk.
    """
    site = SmallSite(where)
    picker = site.create()
    with picker.edit("everything", op="import") as edit:
        state = edit.state
        targets.add(state, "net", {"kind": "tftp", "loaders": LOADERS})
        tree = {"kind": "image", "loaders": ("grub",), "image": "web"}
        targets.add(state, "disk", tree)
        for image in ("gpu", "web"):
            images.add(state, image, {"arch": "x86_64", "params": ("panic=5", *ODD)})
        over = Taken(picker, Initrd.good("over-the-network"))
        local = Taken(picker, Initrd.good("from-the-disk"))
        over.put_entry(state, "gpu", "production", params=VARIABLES)
        local.put_entry(state, "web", "installed", method="local", params=("kp.disk",))
        over.put_entry(state, "web", "both", method="mixed")
        _add_nodes(state)
        _add_groups(state)
    assert not done(edit.outcome).behind
    return site


class Taken:
    """The real kernel with an initrd, taken in from files."""

    def __init__(self, picker: KernelPicker, initrd: Initrd) -> None:
        with tempfile.NamedTemporaryFile() as file:
            Path(file.name).write_bytes(initrd.data)
            given = KernelFiles(parts.kernel(), (Path(file.name),))
            found = gather_files(picker.site.artifacts, given, Needs("x86_64"))
        self.name, self.kernel = initrd.name, found.kernel

    def put_entry(self, state: State, image: str, name: str, **fields: object) -> None:
        """Add an entry that boots it."""
        kernels.add(state, image, self.name, self.kernel)
        entries.add(state, image, name, {"kernel": self.name, **fields})


def _add_nodes(state: State) -> None:
    for index, name, image in ((17, OWN, "gpu"), (18, PLAIN, "web"), (19, DISK, "web")):
        fields = {"macs": (MACS[name],), "image": image, "index": index}
        nodes.add(state, name, fields)
    own = {"vars": {"rack": "r=1,2", "e": ""}, "params": ("kp.who=node",)}
    nodes.change(state, [OWN], own)
    nodes.set_next(state, [PLAIN], "both", ("kp.next=1",))


def _add_groups(state: State) -> None:
    params = ("console=tty0", "console=ttyS0,115200", "kp.who=rack1")
    groups.add(state, "rack1", {"nodes": "n[017-019]", "params": params})
    groups.add(state, "late", {"nodes": OWN, "params": ("kp.flag=2",), "priority": 5})


def small(where: Path) -> SmallSite:
    """Make a site with one node, whose image boots a good kernel."""
    site = SmallSite(where)
    picker = site.create()
    with picker.edit("first day", op="import") as edit:
        targets.add(edit.state, "net", {"kind": "tftp", "loaders": LOADERS})
        params = ("console=ttyS0,115200", "panic=5")
        images.add(edit.state, "web", {"arch": "x86_64", "params": params})
        good = Taken(picker, Initrd.good("good-1"))
        variables = ("node_id={node.index}",)
        good.put_entry(edit.state, "web", "production", params=variables)
        node = {"macs": (MACS[OWN],), "image": "web", "index": 17}
        nodes.add(edit.state, OWN, node)
    assert not done(edit.outcome).behind
    return site


def bring_in(site: SmallSite, initrd: Initrd) -> Outcome:
    """Commit: the default entry of image web boots the kernel with another initrd."""
    picker = site.picker()
    taken = Taken(picker, initrd)
    with picker.edit(f"web: {initrd.name}") as edit:
        kernels.add(edit.state, "web", taken.name, taken.kernel)
        entries.change(edit.state, "web", "production", {"kernel": taken.name})
    return done(edit.outcome)


def ask_kp(site: SmallSite, argv: Iterable[str]) -> Any:
    """Return what a `kp … --json` prints."""
    out = io.StringIO()
    with contextlib.redirect_stdout(out):
        status = main([*argv, "--site", str(site.root), "--json"], World("ann", "head"))
    assert status == 0, out.getvalue()
    return json.loads(out.getvalue())


def command_line(site: SmallSite, entry: str, node: str) -> str:
    """Return what `kp entry show IMAGE ENTRY --node NODE --json` says."""
    image, _, name = entry.partition("/")
    shown = ask_kp(site, ["entry", "show", image, name, "--node", node])
    return str(shown["cmdline"])
