"""iPXE scripts, as its shell runs them (src/core/exec.c)."""

import re
from dataclasses import dataclass, field

from histories.boots import Linux
from histories.chroot import Chroot
from histories.firmware import Booted, Lost, menu


@dataclass
class IPXE:
    """iPXE on one machine, come to the end of its firmware's script."""

    server: Chroot
    mac: str
    values: dict[str, str] = field(default_factory=dict)
    files: list[str] = field(default_factory=list)
    line: str = ""

    def start(self, path: str) -> Linux | None:
        """Chain to a script as `autoboot` does."""
        try:
            self._script(path)
        except Booted as booted:
            return booted.linux
        return None  # a script that ends goes back to the firmware

    def _script(self, path: str) -> bool:
        """Run a script; False where there is none."""
        text = menu(self.server, path)
        if text is None:
            return False
        if not text.startswith("#!ipxe"):
            raise Lost(f"ipxe: {path} is no script")
        lines, at = text.splitlines(), 0
        while at < len(lines):
            going = self._line(lines[at])
            if going == "exit":
                return True
            at = lines.index(f":{going}") if going else at + 1
        return True

    def _line(self, line: str) -> str:
        """Run a line; return the label to go to, `exit`, or ''."""
        if line.startswith(("#", ":")):
            return ""
        command: list[str] = []
        runs, good = True, True
        for word in [*line.split(), ";"]:
            if word not in ("&&", "||", ";"):
                command.append(self._filled(word))
                continue
            if runs and command[:1] in (["exit"], ["goto"]):
                return command[-1]
            if runs:  # nothing after `||` succeeds
                good = self._command(command) if command else True
            command, runs = [], {"&&": good, "||": not good, ";": True}[word]
        if not good:
            raise Lost(f"ipxe: {line} failed")
        return ""

    def _filled(self, word: str) -> str:
        def setting(match: re.Match[str]) -> str:
            if match[1] in ("netX/mac", "net0/mac"):
                return self.mac
            if match[1] in ("netX/mac:hexhyp", "net0/mac:hexhyp"):
                return self.mac.replace(":", "-")
            return self.values.get(match[1], "")

        return re.sub(r"\$\{([^}]*)\}", setting, word)

    def _command(self, words: list[str]) -> bool:
        run = getattr(self, f"do_{words[0]}", None)
        if run is None:
            raise Lost(f"ipxe: no command {words[0]}")
        return run(*words[1:]) is not False

    def do_isset(self, *values: str) -> bool:
        return bool(values and values[0])

    def do_set(self, name: str, *words: str) -> None:
        self.values[name.partition(":")[0]] = " ".join(words)

    def do_inc(self, name: str) -> None:
        self.values[name] = str(int(self.values[name]) + 1)

    def do_iseq(self, left: str, right: str) -> bool:
        return left == right

    def do_chain(self, path: str) -> bool:
        return self._script(path)

    def do_imgfree(self) -> None:
        self.files = []

    def do_kernel(self, path: str, *words: str) -> bool:
        self.files, self.line = [path], " ".join(words)
        return self.server.read(path) is not None

    def do_initrd(self, *words: str) -> bool:
        self.files.append(words[-1])
        self.line = self._given(list(words))
        return self.server.read(words[-1]) is not None

    def do_boot(self) -> None:
        sums = [self.server.digest(each) for each in self.files]
        raise Booted(Linux(sums[0], tuple(sums[1:]), self.line))

    def do_reboot(self) -> None:
        raise Lost("ipxe: it starts again")

    def do_echo(self, *_: str) -> None:
        pass

    do_sleep = do_echo

    def _given(self, rest: list[str]) -> str:
        """The line, on which Linux's stub finds an initrd by its name."""
        assert rest[0] == "--name", rest
        word = f"initrd={rest[1]}"
        if word not in self.line.split():
            raise Lost(f"ipxe: {word} is not on the line")
        return " ".join(each for each in self.line.split(" ") if each != word)


def ipxe(server: Chroot, mac: str, folder: str = "") -> Linux | None:
    """By `boot.ipxe`, which looks for the machine's own script."""
    return IPXE(server, mac).start(f"/{folder}/ipxe/boot.ipxe")
