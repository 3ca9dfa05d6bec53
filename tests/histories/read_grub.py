"""GRUB's scripts: the manual's shell-like scripting, of one machine."""

import re
from collections.abc import Iterator
from pathlib import Path

from histories.boots import Linux
from histories.chroot import Chroot
from histories.firmware import Booted, Lost, menu

_WORDS = re.compile(
    r"""(?P<single>'[^']*')|(?P<double>"(?:[^"\\]|\\.)*")|(?P<end>[;\n])
      |(?P<blank>[ \t]+)|(?P<note>\#[^\n]*)|(?P<brace>[{}](?=[\s;]|$))
      |(?P<plain>[^\s;'"]+)""",
    re.VERBOSE,
)


_VALUE = re.compile(r"\$(?:\{(\w+)\}|(\w+))")


def statements(text: str) -> list[list[tuple[str, str]]]:
    """GRUB's commands: words, each a list of (quoting, text) run together."""
    found: list[list] = [[]]
    glued = False
    for match in _WORDS.finditer(text):
        kind, piece = match.lastgroup or "", match[0]
        if kind == "note" and not glued:
            continue
        if kind in ("end", "blank", "brace"):
            glued = False
            if kind == "brace" or (kind == "end" and found[-1]):
                found += [[[("brace", piece)]], []] if kind == "brace" else [[]]
            continue
        piece = piece[1:-1] if kind in ("single", "double") else piece
        if glued:
            found[-1][-1].append((kind, piece))
        else:
            found[-1].append([(kind, piece)])
        glued = True
    return [each for each in found if each]


class Grub:
    """GRUB on one machine: runs scripts of `if`, `for` and simple commands."""

    def __init__(self, server: Chroot, mac: str, prefix: str) -> None:
        self.server = server
        self.values = {
            "net_default_mac": mac,
            "prefix": prefix,
            "grub_platform": "efi",
            "grub_cpu": "x86_64",
        }
        self.kernel: tuple[str, str] | None = None
        self.initrds: list[str] = []
        self.menu: dict[str, list] = {}

    def start(self, path: str) -> Linux | None:
        """Run a configuration as GRUB does when it starts."""
        try:
            self.configfile(path)
        except Booted as booted:
            return booted.linux
        raise Lost("grub: a prompt")

    def configfile(self, path: str) -> bool:
        text = menu(self.server, path)
        if text is None:
            return False
        self.run(list(_flat(statements(text))))
        return True

    def run(self, lines: list[list]) -> None:
        """Run commands; `if` and `for` reach to their ends."""
        at = 0
        while at < len(lines):
            first = _bare(lines[at])
            if first in ("if", "for", "menuentry"):
                end = _end(lines, at)
                getattr(self, f"_{first}")(lines[at : end + 1])
                at = end + 1
            else:
                self._do(lines[at])
                at += 1

    def _if(self, block: list[list]) -> None:
        good = self._do(block[0][1:])
        inner = block[1:-1]
        assert _bare(inner[0]) == "then", inner
        if good:
            first = [inner[0][1:]] if inner[0][1:] else []
            self.run([*first, *inner[1:]])

    def _for(self, block: list[list]) -> None:
        name, _, *items = [self._filled(word) for word in block[0][1:]]
        inner = block[1:-1]
        first = [inner[0][1:]] if inner[0][1:] else []
        for item in items:
            self.values[name] = item
            self.run([*first, *inner[1:]])

    def _menuentry(self, block: list[list]) -> None:
        words = [self._filled(word) for word in block[0][1:]]
        self.menu[words[words.index("--id") + 1]] = block[2:-1]

    def _filled(self, word: list[tuple[str, str]]) -> str:
        def one(kind: str, text: str) -> str:
            if kind == "single":
                return text
            return _VALUE.sub(lambda m: self.values.get(m[1] or m[2], ""), text)

        return "".join(one(*piece) for piece in word)

    def _do(self, statement: list) -> bool:
        name, *rest = [self._filled(word) for word in statement]
        if name == "!":
            return not self._do(statement[1:])
        command = getattr(self, f"do_{ {'[': 'test'}.get(name, name) }", None)
        if command is None:
            raise Lost(f"grub: no command {name}")
        return command(*rest) is not False

    def do_test(self, *words: str) -> bool:
        *said, end = words
        assert end == "]", words
        match said:
            case ["!", *more]:
                return not self.do_test(*more, "]")
            case ["-z", text]:
                return not text
            case ["-s", path]:
                return bool(self.server.read(path))
            case ["-d", path]:
                found = self.server.find(path)
                return found is not None and Path(found).is_dir()
            case [left, "=", right]:
                return left == right
        raise Lost(f"grub: [ {said}")

    def do_set(self, text: str) -> None:
        name, _, self.values[name] = text.partition("=")

    def do_regexp(self, *words: str) -> bool:
        *sets, pattern, text = words
        match = re.search(pattern, text)
        for each in sets if match else ():
            number, _, name = each.removeprefix("--set=").partition(":")
            self.values[name] = match[int(number)]
        return match is not None

    def do_configfile(self, path: str) -> bool:
        return self.configfile(path)

    def do_linux(self, path: str, *words: str) -> bool:
        self.kernel = (path, " ".join(f'"{w}"' if " " in w else w for w in words))
        return self.server.read(path) is not None

    def do_initrd(self, *paths: str) -> bool:
        self.initrds = list(paths)
        return all(self.server.read(path) is not None for path in paths)

    def do_boot(self) -> None:
        if self.kernel is None:
            raise Lost("grub: nothing loaded")
        raise Booted(self.loaded())

    def loaded(self) -> Linux:
        assert self.kernel
        path, line = self.kernel
        sums = [self.server.digest(each) for each in (path, *self.initrds)]
        return Linux(sums[0], tuple(sums[1:]), line)

    def do_exit(self, *_: str) -> None:
        raise Booted

    def do_reboot(self) -> None:
        raise Lost("grub: it starts again")

    def do_search(self, *_: str) -> bool:
        return False  # no disk has a loader that GRUB could call

    def do_export(self, *_: str) -> None:
        pass

    do_echo = do_sleep = do_insmod = do_export


def _bare(statement: list) -> str:
    (kind, text), *more = statement[0]
    return text if kind in ("plain", "brace") and not more else ""


def _flat(found: list[list]) -> Iterator[list]:
    """Give `{`, `}`, `if` after `then` and the like a statement of their own."""
    for statement in found:
        if _bare(statement) in ("then", "do", "else") and len(statement) > 1:
            yield statement[:1]
            yield from _flat([statement[1:]])
        else:
            yield statement


def _end(lines: list[list], at: int) -> int:
    """Where a block ends that begins at a line."""
    ends = {"if": "fi", "for": "done", "menuentry": "}"}
    depth = 0
    for number in range(at, len(lines)):
        word = _bare(lines[number])
        depth += word in ends
        depth -= word in ends.values()
        if depth == 0:
            return number
    raise Lost("grub: a block without its end")


def grub(server: Chroot, mac: str, folder: str = "/grub") -> Linux | None:
    """Both ways that GRUB's builds begin; they must come to the same."""
    own = f"{folder}/grub.cfg-01-{mac.replace(':', '-')}"
    by_script = Grub(server, mac, folder).start(f"{folder}/grub.cfg")
    if server.read(own) is None:
        return by_script
    by_name = Grub(server, mac, folder).start(own)
    if by_name != by_script:
        raise Lost(f"grub: by its name {by_name}, by the script {by_script}")
    return by_name
