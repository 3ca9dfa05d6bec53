"""GRUB configurations drawn at random: nothing that a real one couldn't say.

`{root}` stands before every path of a file, `{boot}` for the command that boots, and
`{end}` for the end of an entry: who runs a script says what they are.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import Final

CONFIG: Final = "boot/grub/grub.cfg"
FILES: Final = {
    "boot/vmlinuz-1": "kernel",
    "boot/vmlinuz-2": "kernel",
    "boot/initrd-1": "initrd",
    "boot/initrd-2": "initrd",
    "boot/empty": "",
    "etc/fstab": "UUID=1234-abcd / ext4 defaults 0 1\n",
}
_NAMES: Final = ("a", "b", "c", "d", "e_1", "Long_name")
_VALUES: Final = (
    *("", "0", "1", "2", "3", "10", "-1", "x", "y", "a b", " x  y ", "1>0", "$a", "-f"),
    *("=", "!", "old", "new", 'q"q', "it's", "back\\slash", "a=b", "#", "007", "0x1f"),
)
_PATHS: Final = (*FILES, "boot", "boot/grub", "none", "boot/none", "etc/none/x")
_WORDS: Final = (
    *("ro", "quiet", "root=UUID=1234-abcd", "console=tty0", "a,b", "x=1:2", "'a b'"),
    *('"c d"', "$a", '"$b"', "$c$d", "x${a}y", '"x${e_1}y"', "k=$Long_name", "$1"),
    *(
        '"$@"',
        "$*",
        '"$*"',
        "p$@q",
        '""',
        "$none",
        '"$none"',
        "a\\ b",
        "e\\'f",
        "'$a'",
        '"\\$a"',
        "h#i",
        "$#",
        "[x]",
    ),
)
_LINUX: Final = ("linux", "linux", "linux16", "linuxefi")
_INITRD: Final = {"linux": "initrd", "linux16": "initrd16", "linuxefi": "initrdefi"}
_DEEP: Final = 3


@dataclass
class Drawn:
    """A configuration: grub.cfg and what it may read, by path."""

    files: dict[str, str] = field(default_factory=dict)

    def told(self, root: str, boot: str, end: str) -> dict[str, str]:
        """Return the files as someone runs them."""

        def say(text: str) -> str:
            text = text.replace("{root}", root).replace("{boot}", boot)
            return text.replace("{end}", end)

        return {path: say(text) for path, text in self.files.items()}


def draw(seed: int) -> Drawn:
    """Draw one; the same seed draws the same."""
    return _Drawing(Random(seed)).whole()


class _Drawing:
    def __init__(self, random: Random) -> None:
        self._random = random
        self._drawn = Drawn(dict(FILES))
        self._entries: list[str] = []
        self._within: list[str] = []
        self._functions: list[str] = []
        self._loops = 0
        self._in_function = False
        self._sources = 0
        self._counters = 0
        self._falls_back = random.random() < 0.25

    def whole(self) -> Drawn:
        lines = self._block() + self._functions_of()
        lines += self._statements(_DEEP, 3) + self._menu(_DEEP)
        lines += self._statements(_DEEP, 2)
        at = self._random.randrange(len(lines) + 1)
        lines[at:at] = self._default() if self._random.random() < 0.8 else []
        lines += self._default() if self._random.random() < 0.3 else []
        if self._falls_back:
            lines += self._fallback()
        if self._random.random() < 0.2:
            lines = self._elsewhere(lines)
        self._drawn.files[CONFIG] = "\n".join(lines) + "\n"
        return self._drawn

    def _fallback(self) -> list[str]:
        """End the menu by an entry that boots, and come to it where no other does."""
        first = self._random.choice(("", "1 ", "0 ", "0x1 "))
        load = "linux {root}/boot/vmlinuz-2 last"
        return [
            *self._statements(1, 1),
            f"set fallback='{first}0 1 2 3 4 5 6 7 8 9'",
            *("menuentry last --id last {", load, "{end}", "}"),
        ]

    def _elsewhere(self, lines: list[str]) -> list[str]:
        """Move all to a file that grub.cfg goes on to."""
        self._drawn.files["boot/grub/main.cfg"] = "\n".join(lines) + "\n"
        return [*self._statements(1, 4), "configfile $prefix/main.cfg", "{boot}"]

    def _pick(self, *choices: Callable[[], list[str]]) -> list[str]:
        return self._random.choice(choices)()

    # --- what stands at the top

    def _block(self) -> list[str]:
        """An environment block, and how it is read."""
        pairs = {
            name: self._random.choice(("0", "1", "e1", "e2", "s1>e3", "", "a\\b"))
            for name in self._random.sample(("saved_entry", "a", "b", "spare"), 2)
        }
        text = "".join(f"{k}={v}\n".replace("\\", "\\\\") for k, v in pairs.items())
        head = "# GRUB Environment Block\n"
        self._drawn.files["boot/grub/grubenv"] = (head + text).ljust(1024, "#")
        read = self._random.choice(("load_env", "load_env a saved_entry", "true"))
        return ["if [ -s $prefix/grubenv ]; then", f"  {read}", "fi"]

    def _functions_of(self) -> list[str]:
        lines = []
        for number in range(self._random.randrange(3)):
            self._in_function = True
            last = self._random.choice(("true", "false", '[ "$1" ]', "set c=$1"))
            body = [*self._statements(1, 2), "set c=$1", last]
            self._in_function = False
            lines += [f"function f{number} {{", *body, "}"]
            self._functions.append(f"f{number}")
        return lines

    def _default(self) -> list[str]:
        known = [
            *self._entries,
            *self._entries,
            "0",
            "1",
            "2",
            "7",
            "1>0",
            "s1>1",
            "none",
            "",
            "2x",
        ]
        meant = self._random.choice(known)
        return self._pick(
            lambda: [f"set default='{meant}'"],
            lambda: [f'set default="{meant}"'],
            lambda: ['set default="${saved_entry}"'],
            lambda: [f"if {self._test()}; then set default='{meant}'; fi"],
            lambda: [f"default='{meant}'", "export default"],
        )

    # --- statements

    def _statements(self, deep: int, most: int) -> list[str]:
        count = self._random.randrange(most + 1)
        return [line for _ in range(count) for line in self._statement(deep)]

    def _statement(self, deep: int) -> list[str]:
        simple = (self._set, self._set, self._unset, self._export, self._call)
        rich = (
            *(lambda: self._if(deep - 1), lambda: self._if(deep - 1)),
            *(lambda: self._for(deep - 1), lambda: self._while(deep - 1)),
            *(self._source, self._search, self._eval),
        )
        choices = (*simple, *rich, self._leave) if deep > 0 else simple
        return self._random.choice(choices)()

    def _name(self) -> str:
        return self._random.choice(_NAMES)

    def _quoted(self, value: str) -> str:
        if "'" in value:
            return '"' + value.replace('"', '\\"') + '"'
        return f"'{value}'"

    def _set(self) -> list[str]:
        name, value = self._name(), self._random.choice(_VALUES)
        return self._pick(
            lambda: [f"set {name}={self._quoted(value)}"],
            lambda: [f"{name}={self._quoted(value)}"],
            lambda: [f'set {name}="${{{self._name()}}}x$?"'],
            lambda: [f"set {name}=${self._name()}"],
            lambda: [f"set {name}"],
        )

    def _unset(self) -> list[str]:
        return [f"unset {self._name()}"]

    def _export(self) -> list[str]:
        return [f"export {self._name()} {self._name()}"]

    def _call(self) -> list[str]:
        if not self._functions:
            return ["true"]
        words = " ".join(self._random.choices(_WORDS, k=self._random.randrange(3)))
        return [f"{self._random.choice(self._functions)} {words}".rstrip()]

    def _leave(self) -> list[str]:
        if self._loops:
            return [f"if {self._test()}; then break; fi"]
        if self._in_function:
            return [f"if {self._test()}; then return {self._random.randrange(3)}; fi"]
        return ["shift"]

    def _eval(self) -> list[str]:
        return [f'eval "set {self._name()}=\\${self._name()}; set d=$1"']

    def _search(self) -> list[str]:
        path = self._random.choice(_PATHS)
        return [f"search --no-floppy --file --set=found {{root}}/{path}"]

    def _source(self) -> list[str]:
        self._sources += 1
        if self._sources > 2:
            return ["source {root}/boot/grub/none.cfg"]
        name = f"boot/grub/more-{self._sources}.cfg"
        lines = [*self._statements(1, 3), "true"]
        self._drawn.files[name] = "\n".join(lines) + "\n"
        return [f"source ${{prefix}}/more-{self._sources}.cfg"]

    def _if(self, deep: int) -> list[str]:
        lines = [f"if {self._test()}; then", *self._some(deep)]
        if self._random.random() < 0.3:
            lines += [f"elif {self._test()} ; then", *self._some(deep)]
        if self._random.random() < 0.5:
            lines += ["else", *self._some(deep)]
        return [*lines, "fi"]

    def _for(self, deep: int) -> list[str]:
        words = " ".join(self._random.choices(_WORDS, k=self._random.randrange(4)))
        self._loops += 1
        lines = [f"for e_1 in {words}; do", *self._some(deep), "done"]
        self._loops -= 1
        return lines

    def _while(self, deep: int) -> list[str]:
        self._counters += 1
        count = f"count_{self._counters}"
        kind, test = self._random.choice((("while", "!= xxx"), ("until", "= xx")))
        self._loops += 1
        body = [f'set {count}="x${count}"', *self._some(deep)]
        self._loops -= 1
        return [f"set {count}=", f'{kind} [ "${count}" {test} ]; do', *body, "done"]

    def _some(self, deep: int) -> list[str]:
        return self._statements(deep, 2) or ["true"]

    # --- conditions

    def _test(self) -> str:
        kind = self._random.random()
        if kind < 0.1 and self._functions:
            negated = self._random.choice(("", "! "))
            return f"{negated}{self._random.choice(self._functions)} $a"
        if kind < 0.2:
            return self._random.choice(("true", "false", "! true", "! false", "none"))
        words = [self._atom()]
        while self._random.random() < 0.35:
            words += [self._random.choice(("-a", "-o")), self._atom()]
        text = " ".join(words)
        return f"[ {text} ]" if self._random.random() < 0.8 else f"test {text}"

    def _atom(self) -> str:
        negated = "! " if self._random.random() < 0.2 else ""
        word, other = (self._word() for _ in "ab")
        between = self._random.choice(
            (
                "=",
                "=",
                "==",
                "!=",
                "-eq",
                "-ne",
                "-lt",
                "-le",
                "-gt",
                "-ge",
                "'<'",
                "-plt",
            )
        )
        path, file = self._random.choice(_PATHS), self._random.choice([*FILES])
        return negated + self._random.choice(
            (
                f"{word} {between} {other}",
                f"{self._random.choice(('-n', '-z'))} {word}",
                f"{self._random.choice(('-f', '-d', '-e'))} {{root}}/{path}",
                f"-s {{root}}/{file}",
                word,
                f"'(' {word} {between} {other} ')'",
            )
        )

    def _word(self) -> str:
        return self._random.choice(
            (
                f'"${self._name()}"',
                f'"${{{self._name()}}}"',
                f"x${self._name()}",
                f"${self._name()}",
                self._quoted(self._random.choice(_VALUES)),
                '"$?"',
            )
        )

    # --- the menu

    def _menu(self, deep: int) -> list[str]:
        lines = []
        for _ in range(1 + self._random.randrange(3)):
            lines += self._pick(
                lambda: self._entry(deep),
                lambda: self._entry(deep),
                lambda: self._submenu(deep) if deep else self._entry(deep),
                lambda: [
                    f"if {self._test()}; then",
                    *self._entry(deep),
                    "else",
                    *self._entry(deep),
                    "fi",
                ],
            )
        return lines

    def _head(self, kind: str, letter: str) -> str:
        number = len(self._entries) + 1
        ident, title = f"{letter}{number}", f"Title {number} of $a"
        quote = self._random.choice("'\"")
        if quote == "'":
            title = f"Title {number} > of $a"
        named = self._random.choice(
            ("", f"--id {ident}", f"--id={ident}", f"$menuentry_id_option '{ident}'")
        )
        meant = self._random.choice((ident, title.replace(">", ">>")))
        self._entries.append(">".join([*self._within, meant]))
        if kind == "submenu":
            self._within.append(meant)
        classes = self._random.choice(("", "--class os --class x", "--unrestricted"))
        return f"{kind} {quote}{title}{quote} {classes} {named} {{"

    def _entry(self, deep: int) -> list[str]:
        head = self._head("menuentry", "e")
        indent = "  " * (1 + _DEEP - deep)
        body = [*self._statements(1, 2), *self._loads(), "{end}"]
        return [head, *(indent + line for line in body), "}"]

    def _submenu(self, deep: int) -> list[str]:
        head = self._head("submenu", "s")
        lines = [head, *self._statements(1, 1), *self._menu(deep - 1), "}"]
        self._within.pop()
        return lines

    def _loads(self) -> list[str]:
        kernel = "{root}/boot/vmlinuz-" + self._random.choice("12")
        if self._falls_back and self._random.random() < 0.5:
            kernel = "{root}/boot/none"
        words = " ".join(self._random.choices(_WORDS, k=self._random.randrange(6)))
        command = self._random.choice(_LINUX)
        initrds = " ".join(
            "{root}/boot/initrd-" + each
            for each in self._random.choices("12", k=self._random.randrange(1, 3))
        )
        load, then = f"{command} {kernel} {words}", f"{_INITRD[command]} {initrds}"
        return self._pick(
            lambda: [load, then],
            lambda: [load],
            lambda: [f"if {self._test()}; then", f"  {load}", "fi", load, then],
            lambda: ["if linux {root}/none; then", "  {boot}", "fi", load, "{boot}"],
            lambda: [
                "multiboot2 {root}/boot/vmlinuz-1 placeholder dom0_mem=1G",
                f"module2 {kernel} placeholder {words}",
                f"module2 --nounzip {initrds.split()[0]}",
            ],
        )
