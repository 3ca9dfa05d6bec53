"""iPXE scripts, BIOS and UEFI.

```
#!ipxe
echo kp: web/production
imgfree
set kp_fetch vmlinuz
set kp_failed:int32 0
:vmlinuz
kernel /kp/objects/<sha256>/vmlinuz root=/dev/sda1 node_id=${kp_index} || goto again
...
initrd --name initrd.img /kp/objects/<sha256>/initrd.img || goto again
boot || goto failed
```
iPXE cuts a line at white space, with no quotes; then expands `${...}` within each
word; `kernel` joins its words with single spaces again (src/core/exec.c). So a quoted
parameter with single spaces arrives as it was.
"""

import re
from collections.abc import Iterator, Mapping
from typing import Final

from kpstore.errors import InvalidInput
from kpstore.loaders.contract import FETCHES, LINE
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
from kpstore.model.params.tokens import compose, split
from kpstore.model.variables import split_references

lookup: Final = LOOKUPS["ipxe"]
boot_files: Final = "ipxe.efi or undionly.kpxe, then ipxe/boot.ipxe"
own_files: Final = ("ipxe.efi", "snponly.efi", "undionly.kpxe", "ipxe.pxe")
line_limit: Final = LINE
fills_variables: Final = True
from_own_folder: Final = False

# Five times once more: a start through the firmware is minutes, and all of a rack's at
# once are what a server that just came back doesn't need. The new start fetches the
# menu again, which by then may be another one.
_AGAIN: Final = f"""\
:again
inc kp_failed
iseq ${{kp_failed}} {FETCHES} && goto failed ||
echo kp: a fetch failed; it is tried again in 5 seconds
sleep 5
goto ${{kp_fetch}}
:failed
echo kp: this boot failed; the machine starts again in 30 seconds
sleep 30
reboot
"""
# A node that one fetch failed for must not go to its disk; nobody can tell here whether
# a file is missing or didn't come.
_SEEK: Final = "set kp_failed:int32 0\n:seek\n"
_SEEK_AGAIN: Final = f"""\
inc kp_failed
iseq ${{kp_failed}} {FETCHES} && goto unknown ||
sleep 1
goto seek
:unknown
"""
_BOOTIF: Final = " BOOTIF=01-${netX/mac:hexhyp}"
_CARDS: Final = ("netX", "net0", "net1", "net2", "net3")  # netX: the one in use
_LONE_SEMICOLON: Final = re.compile("(?<= );(?= )")
_EXPANSION: Final = re.compile(r"\$\{([^}]*)\}")
_OPERATORS: Final = frozenset({"||", "&&", ";"})


def write_menu(menu: Menu) -> bytes:
    """Write a menu; node variables are left for the node's own file to set."""
    boot = admit(menu)
    # After `exit` the firmware goes on to its next boot device.
    script = "exit\n" if isinstance(boot, Disk) else "".join(_linux(boot))
    return f"#!ipxe\n{NOTE}echo kp: {menu.title}\n{script}".encode("ascii")


def _linux(boot: Linux) -> Iterator[str]:
    yield f"imgfree\n{_counted('vmlinuz')}kernel {boot.kernel}{_params(boot.params)}"
    # How a kernel on UEFI finds them, before iPXE had another way; else harmless.
    yield "".join(f" initrd={_initrd(at)}" for at, _ in enumerate(boot.initrds))
    yield f"{_BOOTIF if boot.wants_bootif else ''} || goto again\n"
    for at, path in enumerate(boot.initrds):
        yield _counted(_initrd(at))
        yield f"initrd --name {_initrd(at)} {path} || goto again\n"
    yield f"boot || goto failed\n{_AGAIN}"


def _counted(name: str) -> str:
    """Return what stands before a fetch, for `again` to come back to."""
    return f"set kp_fetch {name}\nset kp_failed:int32 0\n:{name}\n"


def _initrd(at: int) -> str:
    return f"initrd-{at}.img" if at else "initrd.img"


def _params(params: tuple[str, ...]) -> str:
    # A word `;` would end the command: a variable that is never set hides it.
    line = _LONE_SEMICOLON.sub(";${kp}", compose(params))
    pieces = (
        f"${{{loader_name(piece)}}}" if kind == "variable" else piece
        for kind, piece in split_references(line)
    )
    return f" {''.join(pieces)}" if line else ""


def write_node(menu: Menu, values: Mapping[str, str], menu_path: str) -> bytes:
    """Write a node's own file: it sets the variables and goes on to the menu."""
    admit(menu)
    lines = [
        f"set {loader_name(name)} {value}\n"
        for name, value in sorted(check_values(values).items())
    ]
    chain = f"{_counted('menu')}chain {check_path(menu_path)} || goto again\nexit\n"
    return f"#!ipxe\n{''.join(lines)}{chain}{_AGAIN}".encode("ascii")


def write_default(prefix: str) -> bytes:
    """Write `ipxe/boot.ipxe`: on to the node's entry point, else to the policy.

    `prefix` is kp's root below the TFTP root. The card in use comes first; the others
    are for a node that is known by another of its cards.
    """
    below = f"/{prefix}/{lookup.folder}" if prefix else f"/{lookup.folder}"
    head, tail = f"{check_path(below)}/{lookup.head}", lookup.tail
    chains = "".join(
        f"isset ${{{card}/mac}} && chain {head}${{{card}/mac:hexhyp}}{tail}"
        " && exit ||\n"
        for card in _CARDS
    )
    start, policy = f"#!ipxe\n{NOTE}", write_menu(LOCAL_DISK).decode("ascii")
    seek = f"{_SEEK}{chains}{_SEEK_AGAIN}"
    return f"{start}{seek}{policy.removeprefix(start)}".encode("ascii")


def added(boot: Linux) -> str:
    """Return what is put around the parameters, by iPXE or here; its length counts."""
    initrds = "".join(f" initrd={_initrd(at)}" for at, _ in enumerate(boot.initrds))
    bootif = " BOOTIF=01-00-00-00-00-00-00" if boot.wants_bootif else ""
    return f"vmlinuz {initrds}{bootif}"


def read_menu(data: bytes) -> Menu:
    """Read a menu by iPXE's rules; InvalidInput for what kp does not write."""
    match _without_again(_commands(text_of(data))):
        case [["echo", "kp:", *title], ["exit"]]:
            return Menu(" ".join(title), Disk())
        case [
            ["echo", "kp:", *title],
            ["imgfree"],
            ["kernel", kernel, *words],
            ["||"],
            ["goto", "again"],
            *initrds,
            ["boot"],
            ["||"],
            ["goto", "failed"],
        ]:
            paths = dict(_read_initrds(initrds))
            params = _read_params(words, list(paths))
            return Menu(" ".join(title), Linux(kernel, tuple(paths.values()), params))
    raise InvalidInput("not an iPXE menu as kp writes it")


def _without_again(found: list[list[str]]) -> list[list[str]]:
    """Leave out what fetches again, where it is as kp writes it."""
    after = _commands(f"#!ipxe\n{_AGAIN}")
    if found[-len(after) :] == after:
        found = found[: -len(after)]
    kept: list[list[str]] = []
    for command in found:
        kept.append(command)
        match kept[-3:]:
            case [["set", "kp_fetch", name], ["set", "kp_failed:int32", "0"], [label]]:
                if label == f":{name}":
                    del kept[-3:]
    return kept


def _read_initrds(commands: list[list[str]]) -> Iterator[tuple[str, str]]:
    for at in range(0, len(commands), 3):
        match commands[at : at + 3]:
            case [["initrd", "--name", name, path], ["||"], ["goto", "again"]]:
                yield name, path
            case _:
                raise InvalidInput("an initrd in an iPXE menu that is not kp's")


def _read_params(words: list[str], initrds: list[str]) -> tuple[str, ...]:
    params = split(" ".join(words))
    own = [f"initrd={name}" for name in initrds]
    if params[-1:] == ("BOOTIF=01-{netX/mac:hexhyp}",):
        params = params[:-1]
    elif not any(token.startswith("BOOTIF=") for token in params):
        raise InvalidInput("an iPXE menu without BOOTIF=")
    if own and list(params[-len(own) :]) != own:
        raise InvalidInput("an iPXE menu whose kernel is not told its initrds")
    return params[: len(params) - len(own)]


def read_node(data: bytes) -> tuple[dict[str, str], str]:
    """Read a node's own file: its variables, and the menu that it goes on to."""
    values: dict[str, str] = {}
    for command in _without_again(_commands(text_of(data))):
        match command:
            case ["set", name, *value]:
                values[variable_of(name) or name] = " ".join(value)
            case ["chain", path]:
                return values, path
            case _:
                break
    raise InvalidInput("an iPXE file of a node that does not go on to a menu")


def _commands(script: str) -> list[list[str]]:
    """Return the commands and, as commands of one word, the operators between them."""
    lines = script.splitlines()
    if lines[:1] != ["#!ipxe"]:
        raise InvalidInput("an iPXE script starts with #!ipxe")
    found: list[list[str]] = []
    for line in lines[1:]:
        found.append([])
        for word in line.split():
            if word.startswith("#"):
                break
            if word in _OPERATORS:
                found += [[word], []]
            else:
                found[-1].append(_expand(word))
    return [command for command in found if command]


def _expand(word: str) -> str:
    text = _EXPANSION.sub("", word)
    if "{" in text or "}" in text:
        raise InvalidInput(f"braces in an iPXE word: {word!r}")
    return _EXPANSION.sub(lambda match: _value(match[1]), word)


def _value(name: str) -> str:
    if name == "kp":
        return ""
    variable = variable_of(name)
    return f"{{node.{variable}}}" if variable else f"{{{name}}}"
