"""Boot Loader Specification, type 1: one small file per boot entry of an image.

```
boot/loader/entries/kp-production.conf      boot/loader/loader.conf
    title web/production                        default kp-production.conf
    sort-key kp                                 timeout 5
    linux /kp/<sha256[:12]>/vmlinuz
    initrd /kp/<sha256[:12]>/initrd.img
    options root=/dev/sda1
```
An entry's file does not change with the default: `loader.conf` alone is the switch,
or where GRUB reads the entries the variable `saved_entry` of its block (grubenv).
systemd-boot takes `options` as they stand; Fedora's GRUB makes a script line of them
(grub-core/commands/blscfg.c), so that what it would read as its own is refused.
Format: https://uapi-group.org/specifications/specs/boot_loader_specification/
"""

import re
from collections.abc import Mapping
from typing import Final

from kpstore.errors import InvalidInput, Refused
from kpstore.loaders.boot_entries import COUNTED, fields, first
from kpstore.loaders.contract import DiskFiles
from kpstore.loaders.menu import NOTE, Linux, Menu, TreeOptions, admit_local, text_of
from kpstore.model.names import check_name
from kpstore.model.params.tokens import compose, split

is_shared: Final = True
read_instead: Final[Mapping[str, str]] = {}
FOLDER: Final = "boot/loader/entries"
LOADER_CONF: Final = "boot/loader/loader.conf"
# `$` means something to GRUB even in the quotes that a token with a space gets.
_SYNTAX: Final = re.compile(r"\$|^[^ ]*[;&|<>][^ ]*$")


def files(menus: Mapping[str, Menu], default: str, options: TreeOptions) -> DiskFiles:
    """Return a file an entry, and what chooses among them, which is the switch."""
    entries = (
        write_entry(name, menu, options.boot, verbatim=_is_verbatim(options))
        for name, menu in menus.items()
    )
    written = {f"{FOLDER}/{name}": data for name, data in entries}
    if default not in menus:
        raise InvalidInput(f"the default {default!r} is not in the menu")
    switch = options.chooser or LOADER_CONF
    written[switch] = _write_choice(switch, default)
    return DiskFiles(written, switch)


def read(
    files: Mapping[str, bytes], options: TreeOptions
) -> tuple[dict[str, Menu], str]:
    """Read the files: menus and default, by the entries' names."""
    switch = options.chooser or LOADER_CONF
    menus = {
        _name(path): read_entry(data, options.boot)
        for path, data in files.items()
        if path != switch
    }
    chosen = files.get(switch, b"")
    default = _name(text_of(chosen)) if "#" in switch else read_loader_conf(chosen)
    if default not in menus:
        raise InvalidInput(f"there is no entry {default!r}, the default of {switch}")
    return menus, default


def _is_verbatim(options: TreeOptions) -> bool:
    """Tell whether systemd-boot is what reads entries here, and so GRUB is not."""
    return bool(options.chooser) and "#" not in options.chooser


def write_entry(
    name: str, menu: Menu, seen: str = "", *, verbatim: bool = False
) -> tuple[str, bytes]:
    """Write an entry; return its file's name and content.

    Its paths start at the root of the file system that holds it, where /boot is
    `seen`: nothing when it is a file system of its own, as the specification has it.
    `verbatim`: its line is taken as it stands.
    """
    boot = admit_local(menu)
    for token in boot.params:
        if _SYNTAX.search(token) and not verbatim:
            raise Refused(
                f"{menu.title}: {token!r} can't be said in a boot loader entry (BLS)",
                hint="GRUB would read $ ; & | < > there as its own",
            )
    kernel, *initrds = (
        seen + path.removeprefix("/boot") for path in (boot.kernel, *boot.initrds)
    )
    lines = [NOTE.rstrip(), f"title {menu.title}", "sort-key kp", f"linux {kernel}"]
    lines += [f"initrd {path}" for path in initrds]
    lines += [f"options {compose(boot.params)}"] if boot.params else []
    return _file(name), ("\n".join(lines) + "\n").encode("ascii")


def _write_choice(switch: str, default: str) -> bytes:
    """Write a file of systemd-boot's, or the value of GRUB's variable."""
    if "#" in switch:
        return _file(default).removesuffix(".conf").encode("ascii")
    return write_loader_conf(default)


def write_loader_conf(default: str) -> bytes:
    """Write loader.conf: which entry boots, after how many seconds."""
    return f"{NOTE}default {_file(default)}\ntimeout 5\n".encode("ascii")


def _file(name: str) -> str:
    if COUNTED.search(check_name(name, "entry")):
        raise Refused(
            f"entry {name!r}: a boot loader would take its end for a count of tries",
            hint="name it without + and a number at the end",
        )
    return f"kp-{name}.conf"


def read_entry(data: bytes, seen: str = "") -> Menu:
    """Read an entry; InvalidInput for keys that kp does not write.

    The menu's paths are the running system's, below /boot.
    """
    said = fields(text_of(data))
    if unknown := said.keys() - {"title", "sort-key", "linux", "initrd", "options"}:
        raise InvalidInput(f"unexpected in a boot loader entry: {sorted(unknown)}")
    match said.get("title"), said.get("linux"), said.get("options", [""]):
        case [title], [kernel], [options]:
            files = (kernel, *said.get("initrd", []))
            kernel, *initrds = ("/boot" + path.removeprefix(seen) for path in files)
            return Menu(title, Linux(kernel, tuple(initrds), split(options)))
    raise InvalidInput("title, linux or options is missing or twice in an entry")


def read_loader_conf(data: bytes) -> str:
    """Return the name of the entry that boots."""
    return _name(first(fields(text_of(data)), "default"))


def _name(file: str) -> str:
    """Return the name of the entry that a file is of."""
    return file.rpartition("/")[2].removeprefix("kp-").removesuffix(".conf")
