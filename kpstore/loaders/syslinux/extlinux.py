"""`extlinux.conf` on a machine's own disk: a label per boot entry of its image.

```
DEFAULT kp-production
MENU TITLE kp
PROMPT 1
TIMEOUT 50
LABEL kp-production
  MENU LABEL web/production
  LINUX ../kp/<sha256[:12]>/vmlinuz
  INITRD ../kp/<sha256[:12]>/initrd.img
  APPEND root=/dev/sda1
```
EXTLINUX asks at its prompt, U-Boot shows a menu, for five seconds (TIMEOUT has tenths).
Both count a path without a leading slash from the file's folder, so that one text
serves an image whether /boot is a file system of its own or not. U-Boot keeps its own
device tree, loads one initrd, and carries as long a line as its board was built for
(CONFIG_SYS_CBSIZE). It fills in no `${...}` here, since no parameter may hold one.
"""

import posixpath
from collections.abc import Mapping
from dataclasses import replace
from typing import Final

from kpstore.errors import InvalidInput, Refused
from kpstore.loaders.contract import LINE, DiskFiles
from kpstore.loaders.menu import NOTE, Linux, Menu, TreeOptions, admit_local, text_of
from kpstore.loaders.syslinux.directives import directives
from kpstore.loaders.syslinux.foreign import read_config
from kpstore.loaders.syslinux.pxelinux import load_linux
from kpstore.model.names import check_name
from kpstore.model.params.tokens import compose

is_shared: Final = False
read_instead: Final = {
    "boot/extlinux.conf": "EXTLINUX reads it where it was installed into /boot "
    "(Alpine): install it with extlinux --install /boot/extlinux",
    "boot/syslinux/syslinux.cfg": "SYSLINUX reads it where it was installed into "
    "/boot/syslinux (Arch): install it with extlinux --install /boot/extlinux",
}
_BOOT: Final = "/boot/"
_PATH: Final = "boot/extlinux/extlinux.conf"
_FOLDER: Final = "/boot/extlinux"
_HEAD: Final = f"{NOTE}DEFAULT {{}}\nMENU TITLE kp\nPROMPT 1\nTIMEOUT 50\n"


def files(menus: Mapping[str, Menu], default: str, options: TreeOptions) -> DiskFiles:
    """Return the one file, which is the switch."""
    del options
    return DiskFiles({_PATH: write_config(menus, default)}, _PATH)


def read(
    files: Mapping[str, bytes], options: TreeOptions
) -> tuple[dict[str, Menu], str]:
    """Read the file: menus and default, by the entries' names."""
    del options
    data = files.get(_PATH, b"")
    found = read_config(_PATH, directives(text_of(data)))
    menus = {
        _name(each.ident): Menu(
            each.title,
            Linux(
                _absolute(each.kernel),
                tuple(map(_absolute, each.initrds)),
                each.words,
            ),
        )
        for each in found.choices
    }
    default = _name(found.chosen.ident) if found.chosen else ""
    if write_config(menus, default) != data:
        raise InvalidInput(f"{_PATH} holds more than kp writes")
    return menus, default


def write_config(menus: Mapping[str, Menu], default: str) -> bytes:
    """Write the whole file; `menus` and `default` are by the entries' names."""
    if default not in menus:
        raise InvalidInput(f"the default {default!r} is not in the menu")
    labels = (_label(name, menu) for name, menu in menus.items())
    return (_HEAD.format(_ident(default)) + "".join(labels)).encode("ascii")


def _label(name: str, menu: Menu) -> str:
    boot = _from_folder(menu)
    _check(menu.title, boot)
    head = f"LABEL {_ident(name)}\n  MENU LABEL {menu.title}\n"
    return head + "".join(load_linux(boot))


def _from_folder(menu: Menu) -> Linux:
    boot = admit_local(menu)
    paths = (boot.kernel, *boot.initrds)
    if not all(path.startswith(_BOOT) for path in paths):
        raise InvalidInput(f"{paths} are not all below {_BOOT}")
    kernel, *initrds = (posixpath.relpath(path, _FOLDER) for path in paths)
    return replace(boot, kernel=kernel, initrds=tuple(initrds))


def _check(title: str, boot: Linux) -> None:
    """Refuse a line that EXTLINUX would not carry, or U-Boot would misread."""
    own = f"BOOT_IMAGE={boot.kernel} initrd={','.join(boot.initrds)} "
    length = len(own) + len(compose(boot.params))
    if length > LINE:
        raise Refused(
            f"entry {title}: with the {len(own)} bytes that extlinux adds, its command "
            f"line is {length:,} bytes long, {LINE:,} at most",
            hint="remove parameters, or give its kernel fewer initrds",
        )
    if not boot.initrds and "initrd=" in compose(boot.params):
        raise Refused(
            f"entry {title}: U-Boot would take what follows `initrd=` in its "
            "parameters for an initrd",
            hint="remove that parameter, or give its kernel an initrd",
        )


def _ident(name: str) -> str:
    return f"kp-{check_name(name, 'entry')}"


def _name(ident: str) -> str:
    return ident.removeprefix("kp-")


def _absolute(path: str) -> str:
    return posixpath.normpath(posixpath.join(_FOLDER, path))
