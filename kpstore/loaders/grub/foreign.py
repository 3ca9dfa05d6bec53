"""Reading a distribution's `grub.cfg`: what it lists, and what it boots by default.

Nothing is executed: every branch of an `if` is read, and a variable has the value
of the environment block or of the last `set`. Follows the GRUB manual, chapters
"Writing full configuration files directly" and "The GRUB environment block".
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from kpstore.errors import InvalidInput
from kpstore.loaders.boot_entries import read_entries
from kpstore.loaders.grub.script import Word, plain, statements
from kpstore.loaders.listing import Listed, Listing, choose, read_environment
from kpstore.loaders.programs import grub_decides
from kpstore.loaders.tree import Tree

_FOLDERS: Final = ("boot/grub", "boot/grub2", "boot/efi/EFI/*", "efi/EFI/*")
_CONFIG, _BLOCK = "grub.cfg", "grubenv"
_LINUX: Final = frozenset({"linux", "linux16", "linuxefi"})
_INITRD: Final = frozenset({"initrd", "initrd16", "initrdefi"})
_XEN: Final = frozenset({"multiboot", "multiboot2", "xen_hypervisor"})
_MODULE: Final = frozenset({"module", "module2", "xen_module"})
_MAX_DEPTH: Final = 4
_ID_OPTION: Final = "$menuentry_id_option"


@dataclass
class _Command:
    """A command's words, and the commands in its braces."""

    words: list[Word]
    block: list["_Command"] = field(default_factory=list)

    @property
    def name(self) -> str:
        return plain(self.words[0])


@dataclass(frozen=True)
class GrubMenu:
    """What a grub.cfg says. `uses_bls`: its entries are in boot loader entry files."""

    entries: tuple[Listed, ...]
    default: str
    uses_bls: bool


def read(tree: Tree) -> Iterator[Listing]:
    """Yield what each grub.cfg lists and boots, where GRUB is what decides."""
    if not grub_decides(tree):
        return
    for folder in _FOLDERS:
        for source in tree.matching(f"{folder}/{_CONFIG}"):
            text = tree.text(source)
            if text is not None:
                yield _listing(tree, source, text)


def _listing(tree: Tree, source: str, text: str) -> Listing:
    folder, _, _ = source.rpartition("/")
    block = read_environment(tree.text(f"{folder}/{_BLOCK}") or "")
    try:
        menu = read_grub(text, block)
    except InvalidInput as error:
        return Listing(source, unread=(f"{source}: {error.message}",))
    more = read_entries(tree, block) if menu.uses_bls else []
    choices = (*more, *menu.entries)
    return Listing(source, choices, choose(choices, menu.default))


def read_grub(text: str, environment: Mapping[str, str]) -> GrubMenu:
    """Read a grub.cfg; InvalidInput where quotes or braces don't match."""
    values = dict(environment)
    commands = _parse(text)
    default = _default(commands, values)
    return GrubMenu(
        tuple(_entries(commands, values)),
        default or "0",
        any(each.name == "blscfg" for each in commands),
    )


def _default(commands: list[_Command], values: dict[str, str]) -> str:
    """Return the default that holds at every boot, and take in what is `set`.

    `next_entry` is for one boot only, so what is made of it doesn't count.
    """
    default = ""
    for command in commands:
        if command.name != "set" or len(command.words) != len(("set", "a=b")):
            continue
        setting = command.words[1]
        name, _, value = _filled(setting, values).partition("=")
        if name == "default":
            is_for_once = any(each.text == "next_entry" for each in setting)
            default = default if is_for_once else value or default
        elif name not in values:
            values[name] = value
    return default


def _entries(
    commands: list[_Command], values: Mapping[str, str], depth: int = 0
) -> Iterator[Listed]:
    """Yield what is listed, with submenus as deep as GRUB's scripts make them."""
    for command in commands:
        match command.name:
            case "menuentry":
                yield _entry(command, values)
            case "submenu" if depth < _MAX_DEPTH:
                inner = _entries(command.block, values, depth + 1)
                yield Listed(*_title(command.words), children=tuple(inner))


def _entry(command: _Command, values: Mapping[str, str]) -> Listed:
    title, ident = _title(command.words)
    loads = [_load(each.words, values) for each in command.block]
    linux = [words for verb, *words in loads if verb in _LINUX]
    initrds = [each for verb, *words in loads if verb in _INITRD for each in words]
    xen = [words[0] for verb, *words in loads if verb in _XEN and words]
    modules = [words for verb, *words in loads if verb in _MODULE and words]
    if xen and modules:
        kernel, *line = modules[0]
        linux = [[kernel, *(word for word in line if word != "placeholder")]]
        initrds = [words[0] for words in modules[1:]]
    kernel, *line = linux[0] if linux and linux[0] else [""]
    hypervisor = xen[0] if xen else ""
    return Listed(title, ident, kernel, tuple(initrds), tuple(line), hypervisor)


def _load(words: list[Word], values: Mapping[str, str]) -> list[str]:
    """Return a command with variables filled in and without its options."""
    verb = plain(words[0])
    options = verb in _MODULE | _XEN
    filled = (part for word in words[1:] for part in _split(word, values))
    return [verb, *(w for w in filled if not (options and w.startswith("--")))]


def _title(words: list[Word]) -> tuple[str, str]:
    """Return title and id of a menuentry or submenu."""
    title, ident = "", ""
    rest = iter([plain(word) for word in words[1:]])
    for word in rest:
        if word in ("--id", _ID_OPTION):
            ident = next(rest, "")
        elif word.startswith("--id="):
            ident = word.removeprefix("--id=")
        elif word.startswith("--"):
            if word != "--unrestricted" and "=" not in word:
                next(rest, "")
        elif not title:
            title = word
    return title, ident


def _filled(word: Word, values: Mapping[str, str]) -> str:
    return "".join(
        values.get(each.text, "") if each.variable else each.text for each in word
    )


def _split(word: Word, values: Mapping[str, str]) -> list[str]:
    """Return the words that a word becomes: what a bare variable holds is split."""
    made = [""]
    for each in word:
        text = values.get(each.text, "") if each.variable else each.text
        first, *rest = text.split(" ") if each.variable and each.bare else [text]
        made[-1] += first
        made += rest
    return [part for part in made if part]


def _parse(text: str) -> list[_Command]:
    """Return the commands; those in braces are the block of the one before."""
    stack: list[list[_Command]] = [[]]
    for words, end in statements(text):
        command = _Command(words) if words else None
        if command:
            stack[-1].append(command)
        if end == "{":
            stack.append(command.block if command else [])
        elif end == "}":
            stack.pop()
            if not stack:
                raise InvalidInput("a brace is closed that was not opened")
    return stack[0]
