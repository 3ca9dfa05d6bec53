"""What a menu says, in no loader's language.

A dialect module turns a `Menu` into its loader's text and reads that text back. Every
writer first asks `admit`, so that nothing reaches a loader's syntax which the grammars
of `kpstore.model.names` don't allow, wherever the menu came from.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Final, NamedTuple

from kpstore.errors import InvalidInput, Refused
from kpstore.model.names import PARAMETER, VARIABLE_VALUE
from kpstore.model.params.tokens import RESERVED, key_of
from kpstore.model.variables import fill, split_references, used

_WORD: Final = r"[A-Za-z0-9][A-Za-z0-9._+~/-]*"
_is_title = re.compile(rf"{_WORD}(?: {_WORD})*").fullmatch
_is_path = re.compile(r"(?:/(?!\.\.?(?:/|$))[A-Za-z0-9._+~-]+)+").fullmatch
_is_parameter = re.compile(PARAMETER).fullmatch
_is_value = re.compile(VARIABLE_VALUE).fullmatch


_used = lru_cache(maxsize=64)(used)


@dataclass(frozen=True, slots=True)
class Disk:
    """The machine's own disk boots, as if no server had answered."""


@dataclass(frozen=True, slots=True)
class Xen:
    """The hypervisor's file and its own parameters."""

    path: str
    params: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Linux:
    """A kernel, its initrds in order, its parameters.

    Paths are absolute as the loader sees them. Parameters are tokens; references to
    node variables (`{node.index}`) may still be in them.
    """

    kernel: str
    initrds: tuple[str, ...] = ()
    params: tuple[str, ...] = ()
    xen: Xen | None = None

    @property
    def variables(self) -> tuple[str, ...]:
        """Return the node variables that the parameters use."""
        return _used(self.params)

    @property
    def wants_bootif(self) -> bool:
        """Tell whether the loader is to add BOOTIF= with the card that it came by.

        Only the loader knows that card, and an initrd on a node with several asks for
        it. An own BOOTIF= among the parameters goes first.
        """
        return not any(token.startswith("BOOTIF=") for token in self.params)

    def filled(self, values: Mapping[str, str]) -> "Linux":
        """Return it with node variables replaced; InvalidInput for an unset one."""
        for name in self.variables:
            if name not in values:
                raise InvalidInput(f"node variable {name} has no value")
        return replace(self, params=fill(self.params, check_values(values)))


@dataclass(frozen=True, slots=True)
class Menu:
    """What nodes boot, and the title that their consoles show."""

    title: str
    boot: Disk | Linux


class TreeOptions(NamedTuple):
    """How the loaders of a machine's own disk see it.

    `grub_dir`: GRUB's folder below /boot (`grub2` on some distributions). `boot`: what
    /boot is called on the file system that holds it: nothing where it is one of its
    own, as the Boot Loader Specification has it, else `/boot`. `chooser`: what says
    which boot loader entry boots, a file of systemd-boot's or a variable of GRUB's
    (`FILE#NAME`); the usual one where it is empty. `unfit`: why it would not be asked.
    """

    grub_dir: str = "grub"
    boot: str = ""
    chooser: str = ""
    unfit: str = ""


NOTE: Final = "# Written by kp, which undoes edits made here.\n"
"""What every file says to a person who opens it."""

LOCAL_DISK: Final = Menu("local disk", Disk())
"""What a node boots that kp does not know, or that has nothing to boot."""


def admit(menu: Menu) -> Disk | Linux:
    """Return what to boot; InvalidInput when a part is outside its grammar."""
    _check_menu(menu)
    return menu.boot


@lru_cache(maxsize=64)  # 100,000 nodes have few templates
def _check_menu(menu: Menu) -> None:
    if not _is_title(menu.title):
        raise InvalidInput(f"{menu.title!r} can't be a menu's title")
    boot = menu.boot
    if isinstance(boot, Disk):
        return
    if boot.xen is not None:
        raise Refused(
            f"{menu.title}: entries with a Xen hypervisor can't be rendered yet",
            hint="take the hypervisor out of the entry; its fields are kept for later",
        )
    for path in (boot.kernel, *boot.initrds):
        check_path(path)
    for token in boot.params:
        _check_token(token)


def admit_local(menu: Menu) -> Linux:
    """Return what to boot from a machine's own disk; refuse what can't be there."""
    boot = admit(menu)
    if isinstance(boot, Disk):
        raise InvalidInput(f"{menu.title}: the disk's own menu can't lead to the disk")
    if boot.variables:
        raise Refused(
            f"{menu.title}: an image's own boot files are the same on all its nodes; "
            f"they can't hold node variables ({', '.join(boot.variables)})",
            hint="make it method network, or move the parameter to a group",
        )
    return boot


def check_path(path: str) -> str:
    """Return an absolute path; InvalidInput when a loader might misread it."""
    if not _is_path(path):
        raise InvalidInput(f"{path!r} can't be a path in a boot menu")
    return path


def check_values(values: Mapping[str, str]) -> Mapping[str, str]:
    """Return values of node variables; InvalidInput for one outside its grammar."""
    for name, text in values.items():
        if not _is_value(text):
            raise InvalidInput(f"node variable {name} can't hold {text!r}")
    return values


@lru_cache(maxsize=8192)
def _check_token(token: str) -> None:
    if not _is_parameter(token):
        raise InvalidInput(f"{token!r} can't be a kernel parameter")
    if key_of(token) in RESERVED:
        raise InvalidInput(
            f"parameter {token!r} is for the loader to set",
            hint="add the file to the kernel instead: kp kernel add --initrd",
        )


def fill_text(text: str, values: Mapping[str, str]) -> str:
    """Replace node variables in a file's text; InvalidInput for an unset one.

    No value needs a quote, so this is the text of the filled parameters.
    """
    check_values(values)
    try:
        return "".join(
            values[piece] if kind == "variable" else piece
            for kind, piece in _pieces(text)
        )
    except KeyError as error:
        raise InvalidInput(f"node variable {error.args[0]} has no value") from None


_pieces = lru_cache(maxsize=64)(split_references)


def text_of(data: bytes) -> str:
    """Return what a reader is given as text; InvalidInput when it is not ASCII."""
    try:
        return data.decode("ascii")
    except UnicodeDecodeError as error:
        raise InvalidInput(f"not ASCII at byte {error.start}") from None


def loader_name(variable: str) -> str:
    """Return what a node variable is called in a loader: `kp_index`, `kp_var_rack`."""
    return "kp_" + variable.replace(".", "_")


def variable_of(name: str) -> str | None:
    """Return the node variable that a loader calls `name`, or None."""
    if name.startswith("kp_var_"):
        return f"var.{name[7:]}"
    own = {"kp_name", "kp_index", "kp_mac", "kp_ip", "kp_image"}
    return name[3:] if name in own else None
