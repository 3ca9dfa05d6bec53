"""PXELINUX (BIOS, from the network): one menu of one label.

```
SAY kp: web/production
DEFAULT kp
PROMPT 0
TIMEOUT 100
LABEL kp
  LINUX /kp/objects/<sha256>/vmlinuz
  INITRD /kp/objects/<sha256>/initrd.img
  APPEND root=/dev/sda1 "dyndbg=module foo +p"
  IPAPPEND 2
```
APPEND goes to the kernel as it stands, to the end of its line. PXELINUX has no
variables, so a node that has some gets a whole menu of its own. It looks for every
path below the folder that it was itself loaded from (syslinux core/fs/pxe/pxe.c).
"""

from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Final

from kpstore.errors import InvalidInput
from kpstore.loaders.contract import LINE
from kpstore.loaders.lookup import LOOKUPS
from kpstore.loaders.menu import NOTE, Disk, Linux, Menu, admit, fill_text, text_of
from kpstore.loaders.syslinux.directives import directives
from kpstore.model.params.tokens import compose, split

lookup: Final = LOOKUPS["pxelinux"]
boot_files: Final = "pxelinux.0 and ldlinux.c32 (BIOS)"
own_files: Final = ("pxelinux.0", "lpxelinux.0", "ldlinux.c32")
line_limit: Final = LINE
fills_variables: Final = False
from_own_folder: Final = True

# Tenths of a second: after a failed load PXELINUX stops at its prompt; with a timeout
# it tries again.
_HEAD: Final = NOTE + "SAY kp: {}\nDEFAULT kp\nPROMPT 0\nTIMEOUT 100\nLABEL kp\n"
_BOOTIF: Final = "  IPAPPEND 2\n"


def write_menu(menu: Menu) -> bytes:
    """Write a menu; InvalidInput when it uses node variables."""
    boot = admit(menu)
    if isinstance(boot, Linux) and boot.variables:
        raise InvalidInput(
            f"{menu.title}: PXELINUX can't fill in {', '.join(boot.variables)}"
        )
    return _text(menu).encode("ascii")


def write_node(menu: Menu, values: Mapping[str, str], menu_path: str) -> bytes:
    """Write a node's own file: the whole menu, so `menu_path` is not needed."""
    return fill_text(_text(menu), values).encode("ascii")


def write_default(prefix: str) -> None:
    """Write nothing: the menu of unknown nodes will do."""
    del prefix


@lru_cache(maxsize=64)  # 100,000 nodes have few templates
def _text(menu: Menu) -> str:
    return _HEAD.format(menu.title) + "".join(_label(admit(menu)))


def _label(boot: Disk | Linux) -> Iterator[str]:
    if isinstance(boot, Disk):
        yield "  LOCALBOOT 0\n"
        return
    yield from load_linux(boot)
    if boot.wants_bootif:
        yield _BOOTIF


def load_linux(boot: Linux) -> Iterator[str]:
    """Yield the lines of a label that load a kernel."""
    yield f"  LINUX {boot.kernel}\n"
    if boot.initrds:
        yield f"  INITRD {','.join(boot.initrds)}\n"
    if boot.params:
        yield f"  APPEND {compose(boot.params)}\n"


def added(boot: Linux) -> str:
    """Return what PXELINUX itself puts around the parameters; its length counts."""
    initrd = f" initrd={','.join(boot.initrds)}" if boot.initrds else ""
    bootif = " BOOTIF=01-00-00-00-00-00-00" if boot.wants_bootif else ""
    return f"BOOT_IMAGE={boot.kernel} {initrd}{bootif}"


def read_menu(data: bytes) -> Menu:
    """Read a menu as PXELINUX does; InvalidInput for what kp does not write."""
    said = _said(text_of(data))
    title = said.pop("say", "").removeprefix("kp: ")
    label, prompt = said.pop("label", None), said.pop("prompt", "1")
    if said.pop("default", "") != label or prompt != "0":
        raise InvalidInput("a PXELINUX menu that does not boot its label by itself")
    said.pop("timeout", None)
    boot = _read_disk(said) if "localboot" in said else _read_linux(said)
    if said:
        raise InvalidInput(f"unexpected in a PXELINUX menu: {', '.join(said)}")
    return Menu(title, boot)


def _said(text: str) -> dict[str, str]:
    said: dict[str, str] = {}
    for word, value in directives(text):
        if word in said:
            raise InvalidInput(f"{word.upper()} twice in a PXELINUX menu")
        said[word] = value
    return said


def _read_disk(said: dict[str, str]) -> Disk:
    if said.pop("localboot") != "0":
        raise InvalidInput("a PXELINUX menu with another LOCALBOOT than 0")
    return Disk()


def _read_linux(said: dict[str, str]) -> Linux:
    initrd = said.pop("initrd", "")
    boot = Linux(
        kernel=said.pop("linux", ""),
        initrds=tuple(initrd.split(",")) if initrd else (),
        params=split(said.pop("append", "")),
    )
    if "{" in "".join(boot.params):
        raise InvalidInput("braces in a PXELINUX menu: it fills in no variables")
    if (said.pop("ipappend", "0") == "2") != boot.wants_bootif:
        raise InvalidInput("BOOTIF= is asked for twice or not at all")
    return boot
