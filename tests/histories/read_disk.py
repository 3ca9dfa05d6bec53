"""What an image's own disk lists: GRUB, EXTLINUX, the Boot Loader Specification."""

from pathlib import Path

from histories.boots import Linux
from histories.chroot import Chroot
from histories.read_grub import Grub


def grub_disk(tree: Chroot) -> tuple[str, dict[str, Linux]]:
    """The default of a tree's grub.cfg, and what kp's entries in it boot."""
    machine = Grub(tree, "", "/boot/grub")
    machine.configfile("/boot/grub/grub.cfg")
    found = {}
    for name, block in machine.menu.items():
        machine.kernel, machine.initrds = None, []
        machine.run(block)
        found[name] = machine.loaded()
    return machine.values.get("default", ""), found


def bls_disk(tree: Chroot) -> tuple[str, dict[str, Linux]]:
    """The same of a tree's Boot Loader Specification entries."""
    chosen = _pairs(tree.read("/boot/loader/loader.conf") or b"")
    folder = tree.find("/boot/loader/entries")
    found = {}
    for file in sorted(Path(folder).glob("kp-*.conf")) if folder else ():
        said = _pairs(file.read_bytes())
        paths = [f"/boot{p}" for key in ("linux", "initrd") for p in said.get(key, [])]
        sums = [tree.digest(path) for path in paths]
        line = " ".join(said.get("options", []))
        found[file.name.removesuffix(".conf")] = Linux(sums[0], tuple(sums[1:]), line)
    default = chosen.get("default", [""])[0]
    return default.removesuffix(".conf"), found


def extlinux_disk(tree: Chroot) -> tuple[str, dict[str, Linux]]:
    """The same of a tree's extlinux.conf; paths count from where it lies."""
    text = (tree.read("/boot/extlinux/extlinux.conf") or b"").decode("ascii")
    top, *labels = text.split("\nLABEL ")
    found = {}
    for name, *lines in map(str.splitlines, labels):
        said = dict(line.strip().split(" ", 1) for line in lines)
        files = [said["LINUX"], *said.get("INITRD", "").split(",")]
        sums = [tree.digest(f"/boot/extlinux/{file}") for file in files if file]
        found[name] = Linux(sums[0], tuple(sums[1:]), said.get("APPEND", ""))
    lines = [line.partition(" ") for line in top.splitlines()]
    return next((rest for word, _, rest in lines if word == "DEFAULT"), ""), found


def _pairs(data: bytes) -> dict[str, list[str]]:
    said: dict[str, list[str]] = {}
    for line in data.decode("utf-8").splitlines():
        word, _, rest = line.partition(" ")
        if word and not word.startswith("#"):
            said.setdefault(word, []).append(rest.strip())
    return said
