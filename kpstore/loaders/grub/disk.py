"""`grub.cfg` on a machine's own disk: one menu entry per boot entry of its image.

```
set default='kp-production'
set timeout=5
set kp_boot=/boot
if [ ! -d /boot/kp ]; then set kp_boot=; fi
menuentry 'web/production' --id 'kp-production' {
  linux "$kp_boot"'/kp/<sha256[:12]>/vmlinuz' 'root=/dev/sda1'
  initrd "$kp_boot"'/kp/<sha256[:12]>/initrd.img'
}
```
One text serves an image whatever its disks look like: where /boot is a file system of
its own, GRUB sees `/kp` for what the running system calls `/boot/kp`.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Final

from kpstore.errors import InvalidInput
from kpstore.loaders.contract import DiskFiles
from kpstore.loaders.grub.network import load_initrds, load_linux, quoted, read_linux
from kpstore.loaders.grub.script import commands
from kpstore.loaders.menu import NOTE, Linux, Menu, TreeOptions, admit_local, text_of
from kpstore.model.names import check_name

is_shared: Final = False
read_instead: Final[Mapping[str, str]] = {}
_BOOT: Final = "/boot"
_ROOT: Final = '"$kp_boot"'
_HEAD: Final = f"""\
{NOTE}set default={{default}}
set timeout=5
set kp_boot=/boot
if [ ! -d /boot/kp ]; then set kp_boot=; fi
"""


def files(menus: Mapping[str, Menu], default: str, options: TreeOptions) -> DiskFiles:
    """Return the one file, which is the switch."""
    path = _path(options)
    return DiskFiles({path: write_config(menus, default)}, path)


def read(
    files: Mapping[str, bytes], options: TreeOptions
) -> tuple[dict[str, Menu], str]:
    """Read the file: menus and default, by the entries' names."""
    return read_config(files.get(_path(options), b""))


def _path(options: TreeOptions) -> str:
    return f"boot/{options.grub_dir}/grub.cfg"


def write_config(menus: Mapping[str, Menu], default: str) -> bytes:
    """Write the whole file; `menus` and `default` are by the entries' names."""
    if default not in menus:
        raise InvalidInput(f"the default {default!r} is not in the menu")
    parts = [_HEAD.format(default=quoted(_id(default)))]
    for name, menu in menus.items():
        parts += _entry(name, menu)
    return "".join(parts).encode("ascii")


def _id(name: str) -> str:
    # Not the bare name: GRUB takes a default that starts with a digit for a number.
    return f"kp-{check_name(name, 'entry')}"


def _entry(name: str, menu: Menu) -> Iterator[str]:
    boot = _below_boot(admit_local(menu))
    yield f"menuentry {quoted(menu.title)} --id {quoted(_id(name))} {{\n"
    for load in (load_linux(boot, _ROOT), *load_initrds(boot, _ROOT)):
        yield f"  {load}\n"
    yield "}\n"


def _below_boot(boot: Linux) -> Linux:
    paths = (boot.kernel, *boot.initrds)
    kernel, *initrds = (path.removeprefix(_BOOT) for path in paths)
    if not all(path.startswith(f"{_BOOT}/kp/") for path in paths):
        raise InvalidInput(f"{paths} are not all below {_BOOT}/kp")
    return replace(boot, kernel=kernel, initrds=tuple(initrds))


def read_config(data: bytes) -> tuple[dict[str, Menu], str]:
    """Read it by GRUB's rules: the menus and the default, by the entries' names."""
    settings: dict[str, str] = {}
    entries: list[tuple[str, str, list[list[str]]]] = []
    for command in commands(text_of(data)):
        match command:
            case ["set", setting] if not entries:
                name, _, value = setting.partition("=")
                settings.setdefault(name, value)
            case ["[", "!", "-d", "/boot/kp", "]"]:
                pass
            case ["menuentry", title, "--id", ident]:
                entries.append((title, ident.removeprefix("kp-"), []))
            case ["linux" | "initrd", *_] if entries:
                entries[-1][2].append([_absolute(word, settings) for word in command])
            case _:
                raise InvalidInput(f"unexpected in grub.cfg: {' '.join(command)}")
    menus = {ident: Menu(title, read_linux(loads)) for title, ident, loads in entries}
    default = settings.get("default", "").removeprefix("kp-")
    if default not in menus:
        raise InvalidInput(f"grub.cfg has no entry {default!r}, its default")
    return menus, default


def _absolute(word: str, settings: Mapping[str, str]) -> str:
    return word.replace("{kp_boot}", settings.get("kp_boot", ""), 1)
