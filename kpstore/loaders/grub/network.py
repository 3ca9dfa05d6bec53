"""GRUB from the network, BIOS and UEFI: commands, no menu to wait at.

```
echo 'kp: web/production'
insmod sleep
insmod reboot
for kp_fetch in 1 2 3 4 5 6; do
  if linux '/kp/objects/<sha256>/vmlinuz' 'root=/dev/sda1' 'node_id='"$kp_index"; then
    for kp_fetch in 1 2 3 4 5 6; do
      if initrd '/kp/objects/<sha256>/initrd.img'; then
        boot
      fi
      ...
```
```
Every word is single-quoted, where nothing is special; a node variable is a
double-quoted expansion, which GRUB does not split. GRUB itself puts double quotes
around a word with a space when it makes the command line (grub-core/lib/cmdline.c).
"""

from collections.abc import Mapping
from dataclasses import replace
from textwrap import indent
from typing import Final

from kpstore.errors import InvalidInput
from kpstore.loaders.contract import FETCHES, LINE
from kpstore.loaders.grub.script import commands
from kpstore.loaders.lookup import LOOKUPS
from kpstore.loaders.menu import (
    LOCAL_DISK,
    NOTE,
    Disk,
    Linux,
    Menu,
    admit,
    check_path,
    check_values,
    loader_name,
    text_of,
    variable_of,
)
from kpstore.model.variables import split_references

lookup: Final = LOOKUPS["grub"]
boot_files: Final = "a GRUB image, e.g. grubnetx64.efi (UEFI)"
own_files: Final = (
    *("grubnetx64.efi", "grubnetx64.efi.signed", "grubx64.efi", "grubnetaa64.efi"),
    *("shimx64.efi", "boot/grub/i386-pc/core.0", "grub/i386-pc/core.0"),
)
line_limit: Final = LINE
fills_variables: Final = True
from_own_folder: Final = False

# What is needed when the server answers no more; else each is fetched at its first use.
_READY: Final = "insmod sleep\ninsmod reboot\n"
_TRIES: Final = " ".join(map(str, range(1, FETCHES + 1)))
# Between tries, and after the last of them: a start through the firmware is minutes,
# and all of a rack's at once are what a server that just came back doesn't need. The
# new start fetches the menu again, which by then may be another one.
_AGAIN: Final = """\
  echo 'kp: a fetch failed; it is tried again in 5 seconds'
  sleep 5
done
echo 'kp: this boot failed; the machine starts again in 30 seconds'
sleep 30
reboot
"""
# Some builds read no other file than grub.cfg (Debian's ready-made grubnetx64.efi), so
# the policy, which is what stands there, looks for the node's entry point first; once,
# for that may lead back here. A node that one fetch failed for must not go to its disk:
# nobody can tell here whether a file is missing or didn't come.
_SEEK: Final = """\
if [ -z "$kp_sought" ]; then
  set kp_sought=1
  export kp_sought
  if regexp {groups} '^(..):(..):(..):(..):(..):(..)$' "$net_default_mac"; then
    set kp_own="$prefix/{head}{mac}"
    for kp_fetch in {tries}; do
      if [ -s "$kp_own" ]; then configfile "$kp_own"; fi
      sleep 1
    done
  fi
fi
""".format(
    head=lookup.head,
    tries=_TRIES,
    groups=" ".join(f"--set={n}:kp_{n}" for n in range(1, 7)),
    mac="-".join(f"$kp_{n}" for n in range(1, 7)),
)
# `exit` goes on to the BIOS's next boot device. On UEFI it may end in the firmware's
# setup (GRUB 2.06 reports success, and the firmware stops looking), so that the disk's
# own loader is started, and `exit 1` is for when there is none.
_DISK: Final = """\
if [ "$grub_platform" = efi ]; then
  set kp_cpu=x64
  if [ "$grub_cpu" = arm64 ]; then set kp_cpu=aa64; fi
  if [ "$grub_cpu" = i386 ]; then set kp_cpu=ia32; fi
  for kp_stem in {stems}; do
    set kp_file="/EFI/$kp_stem$kp_cpu.efi"
    if search --no-floppy --file --set=kp_disk "$kp_file"; then
      if chainloader "($kp_disk)$kp_file"; then boot; fi
    fi
  done
fi
exit 1
""".format(
    stems="debian/shim debian/grub ubuntu/shim ubuntu/grub redhat/shim rocky/shim "
    "almalinux/shim centos/shim fedora/shim opensuse/shim opensuse/grub sles/shim "
    "sles/grub systemd/systemd-boot BOOT/BOOT"
)
_BOOTIF: Final = " 'BOOTIF=01-'\"$net_default_mac\""


def write_menu(menu: Menu) -> bytes:
    """Write a menu; node variables are left for the node's own file to set."""
    boot = admit(menu)
    script = _DISK if isinstance(boot, Disk) else _linux(boot)
    seek = _SEEK if menu == LOCAL_DISK else ""
    return f"{NOTE}{seek}echo {quoted('kp: ' + menu.title)}\n{script}".encode("ascii")


def _linux(boot: Linux) -> str:
    bootif = _BOOTIF if boot.wants_bootif else ""
    loads = [load_linux(boot) + bootif, *load_initrds(boot)]
    script = "boot\n"
    for load in reversed(loads):
        script = _tried(f"if {load}; then\n{indent(script, '  ')}fi\n")
    return _READY + script


def _tried(fetch: str) -> str:
    return f"for kp_fetch in {_TRIES}; do\n{indent(fetch, '  ')}{_AGAIN}"


def load_linux(boot: Linux, root: str = "") -> str:
    """Return the command that loads the kernel; `root` is GRUB text put before it."""
    return " ".join(["linux", root + quoted(boot.kernel), *map(quoted, boot.params)])


def load_initrds(boot: Linux, root: str = "") -> list[str]:
    """Return the command that loads the initrds, if there are any."""
    words = [root + quoted(path) for path in boot.initrds]
    return [" ".join(["initrd", *words])] if words else []


def quoted(text: str) -> str:
    """Return GRUB's word for a token; references become `"$kp_index"`."""
    pieces = [
        f'"${loader_name(piece)}"' if kind == "variable" else f"'{piece}'"
        for kind, piece in split_references(text)
    ]
    return "".join(pieces) or "''"


def write_node(menu: Menu, values: Mapping[str, str], menu_path: str) -> bytes:
    """Write a node's own file: it sets the variables and goes on to the menu."""
    admit(menu)
    lines = [
        f"set {loader_name(name)}={quoted(value)}\nexport {loader_name(name)}\n"
        for name, value in sorted(check_values(values).items())
    ]
    chain = f"configfile {quoted(check_path(menu_path))}\n"
    lines += [_READY, _tried(chain)]
    return "".join(lines).encode("ascii")


def write_default(prefix: str) -> None:
    """Write nothing: the menu of unknown nodes looks for the node's own by itself."""
    del prefix


def added(boot: Linux) -> str:
    """Return what GRUB itself puts around the parameters; its length counts."""
    bootif = " BOOTIF=01-00:00:00:00:00:00" if boot.wants_bootif else ""
    return f"BOOT_IMAGE={boot.kernel} {bootif}"


def read_menu(data: bytes) -> Menu:
    """Read a menu by GRUB's rules; InvalidInput for what kp does not write."""
    found = commands(text_of(data))
    names = [command[0] for command in found]
    at = names.index("echo") if "echo" in names else len(names)
    title = " ".join(word for said in found[at : at + 1] for word in said[1:])
    match names[:at], names[at + 1 :]:
        case [*_], [*others, "exit"] if "linux" not in others:
            return Menu(title.removeprefix("kp: "), Disk())
        case [], [*_]:
            boot = _read_loads(found[1:])
            return Menu(title.removeprefix("kp: "), _without_bootif(boot))
    raise InvalidInput(f"unexpected in a GRUB menu: {' '.join(names)}")


def _read_loads(found: list[list[str]]) -> Linux:
    """Read loops of tries, each within the one before it."""
    ready, (head, *after) = commands(_READY), commands(_tried(""))
    if found[: len(ready)] == ready:
        found = found[len(ready) :]
    loads: list[list[str]] = []
    while found[:1] == [head] and found[-len(after) :] == after:
        loads += found[1:2]
        found = found[2 : -len(after)]
    if found != [["boot"]]:
        raise InvalidInput("a GRUB menu that doesn't boot what it loaded")
    return read_linux(loads)


def _without_bootif(boot: Linux) -> Linux:
    own = "BOOTIF=01-{net_default_mac}"
    bare = replace(boot, params=tuple(p for p in boot.params if p != own))
    if boot.params.count(own) != bare.wants_bootif:
        raise InvalidInput("BOOTIF= is given twice or not at all")
    return bare


def read_linux(loads: list[list[str]]) -> Linux:
    """Read a `linux` command and the `initrd` command that may follow it."""
    match loads:
        case [["linux", kernel, *params]]:
            return Linux(kernel, (), tuple(params))
        case [["linux", kernel, *params], ["initrd", *initrds]]:
            return Linux(kernel, tuple(initrds), tuple(params))
    raise InvalidInput("a GRUB menu must load one kernel, then its initrds")


def read_node(data: bytes) -> tuple[dict[str, str], str]:
    """Read a node's own file: its variables, and the menu that it goes on to."""
    values: dict[str, str] = {}
    for command in commands(text_of(data)):
        match command:
            case ["set", setting]:
                name, _, value = setting.partition("=")
                values[variable_of(name) or name] = value
            case ["export" | "insmod", _] | ["kp_fetch", "in", *_]:
                pass
            case ["configfile", path]:
                return values, path
            case _:
                break
    raise InvalidInput("a GRUB file of a node that does not go on to a menu")
