"""Reading a distribution's `grub.cfg`: what it lists, and what it boots by default.

Nothing is executed: every branch of an `if` is read, and a variable has the value
of the environment block or of the last `set`. Follows the GRUB manual, chapters
"Writing full configuration files directly" and "The GRUB environment block".
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final

from kpstore.errors import InvalidInput
from kpstore.loaders.listing import Listed, expand

_TOKEN: Final = re.compile(
    r"""(?P<blank>[ \t\r]+ | \\\n)
      | (?P<comment>\#[^\n]*)
      | (?P<end>[;\n]|\|\||&&|[|&<>])
      | (?P<brace>[{}])
      | (?P<word>(?:'[^']*' | "(?:[^"\\]|\\.)*" | \\. | \$\{[^}\n]*\} | \$
                  | [^\s'"\\;|&<>{}$])+)""",
    re.VERBOSE | re.DOTALL,
)
_PIECE: Final = re.compile(
    r"""'(?P<single>[^']*)' | "(?P<double>(?:[^"\\]|\\.)*)" | \\(?P<escaped>.)
      | (?P<plain>[^'"\\]+)""",
    re.VERBOSE | re.DOTALL,
)
_KEYWORDS: Final = frozenset({"if", "then", "elif", "else", "fi", "do", "done", "!"})
_LINUX: Final = frozenset({"linux", "linux16", "linuxefi"})
_INITRD: Final = frozenset({"initrd", "initrd16", "initrdefi"})
_XEN: Final = frozenset({"multiboot", "multiboot2", "xen_hypervisor"})
_MODULE: Final = frozenset({"module", "module2", "xen_module"})
_DOLLAR: Final = "\ue000"  # a `$` that is no variable (private use)
_MAX_DEPTH: Final = 4
_ID_OPTION: Final = "$menuentry_id_option"


@dataclass
class _Command:
    """Words as written but for quotes; variables are not yet filled in."""

    words: list[str]
    block: list["_Command"] = field(default_factory=list)


@dataclass(frozen=True)
class GrubMenu:
    """What a grub.cfg says. `uses_bls`: its entries are in boot loader entry files."""

    entries: tuple[Listed, ...]
    default: str
    uses_bls: bool


def read_grub(text: str, environment: Mapping[str, str]) -> GrubMenu:
    """Read a grub.cfg; InvalidInput where quotes or braces don't match."""
    values = dict(environment)
    commands = _parse(text)
    default = _default(commands, values)
    return GrubMenu(
        tuple(_entries(commands, values)),
        default or "0",
        any(each.words[0] == "blscfg" for each in commands),
    )


def _default(commands: list[_Command], values: dict[str, str]) -> str:
    """Return the default that holds at every boot, and take in what is `set`.

    `next_entry` is for one boot only, so what is made of it doesn't count.
    """
    default = ""
    for command in commands:
        match command.words:
            case ["set", setting]:
                name, _, value = setting.partition("=")
            case _:
                continue
        if name == "default":
            if "next_entry" not in value:
                default = _filled(value, values) or default
        elif name not in values:
            values[name] = _filled(value, values)
    return default


def _entries(
    commands: list[_Command], values: Mapping[str, str], depth: int = 0
) -> Iterator[Listed]:
    """Yield what is listed, with submenus as deep as GRUB's scripts make them."""
    for command in commands:
        match command.words[0]:
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


def _load(words: list[str], values: Mapping[str, str]) -> list[str]:
    """Return a command with variables filled in and without its options."""
    verb, *rest = words
    filled = (
        word
        for each in rest
        for word in (
            _filled(each, values).split(" ") if "$" in each else [_plain(each)]
        )
    )
    options = verb in _MODULE | _XEN
    return [verb, *(w for w in filled if w and not (options and w.startswith("--")))]


def _title(words: list[str]) -> tuple[str, str]:
    """Return title and id of a menuentry or submenu."""
    title, ident = "", ""
    rest = iter(words[1:])
    for word in rest:
        if word in ("--id", _ID_OPTION):
            ident = _plain(next(rest, ""))
        elif word.startswith("--id="):
            ident = _plain(word.removeprefix("--id="))
        elif word.startswith("--"):
            if word != "--unrestricted" and "=" not in word:
                next(rest, "")
        elif not title:
            title = _plain(word)
    return title, ident


def _filled(word: str, values: Mapping[str, str]) -> str:
    return _plain(expand(word, values))


def _plain(word: str) -> str:
    return word.replace(_DOLLAR, "$")


def _parse(text: str) -> list[_Command]:
    """Return the commands; those in braces are the block of the one before."""
    stack: list[list[_Command]] = [[]]
    words: list[str] = []
    for kind, token in _tokens(text):
        if kind == "word":
            words.append(_unquoted(token))
            continue
        command = _command(words)
        words = []
        if command:
            stack[-1].append(command)
        if token == "{":
            stack.append(command.block if command else [])
        elif token == "}":
            stack.pop()
            if not stack:
                raise InvalidInput("grub.cfg: a brace is closed that was not opened")
    return stack[0]


def _command(words: list[str]) -> _Command | None:
    while words and words[0] in _KEYWORDS:
        words = words[1:]
    return _Command(words) if words else None


def _tokens(text: str) -> Iterator[tuple[str, str]]:
    at = 0
    while at < len(text):
        found = _TOKEN.match(text, at)
        if found is None:
            raise InvalidInput(f"grub.cfg: not GRUB's syntax at {text[at : at + 40]!r}")
        at, kind = found.end(), found.lastgroup
        if kind not in ("blank", "comment"):
            yield "word" if kind == "word" else "end", found[0]
    yield "end", "\n"


def _unquoted(word: str) -> str:
    """Take quotes away; a `$` that they protected is kept apart from a variable's."""
    return "".join(map(_piece, _PIECE.finditer(word)))


def _piece(found: re.Match[str]) -> str:
    match found.lastgroup:
        case "single" | "escaped":
            return found[found.lastgroup].replace("$", _DOLLAR)
        case "double":
            return re.sub(r"\\([$\"\\])", _escaped, found["double"])
        case _:
            return found[0]


def _escaped(found: re.Match[str]) -> str:
    return found[1].replace("$", _DOLLAR)
