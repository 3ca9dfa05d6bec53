"""Running GRUB's scripts: nothing but variables and a menu comes of it.

By grub-core/script/execute.c. Steps, depth and sizes are bounded: no script keeps kp
for longer than a moment.
"""

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Final, NamedTuple

from kpstore.errors import InvalidInput
from kpstore.loaders.grub.budget import BYTES_A_STEP, Budget
from kpstore.loaders.grub.devices import DeviceFiles, Devices
from kpstore.loaders.grub.environment import Environment
from kpstore.loaders.grub.menu import MenuEntry, read_options
from kpstore.loaders.grub.script import Word
from kpstore.loaders.grub.status import BAD_ARGUMENT, FALSE
from kpstore.loaders.grub.syntax import (
    Command,
    For,
    Function,
    If,
    Node,
    Script,
    While,
    parse,
    parse_file,
)
from kpstore.loaders.grub.words import SPECIAL, fill

_DEEPEST: Final = 24  # calls, files and submenus within each other

Builtin = Callable[["Machine", list[str]], int]


@dataclass(slots=True)
class Loaded:
    """What a boot would start: paths as the script has them, `is_there` or not."""

    kernel: str = ""
    words: tuple[str, ...] = ()
    initrds: tuple[str, ...] = ()
    hypervisor: str = ""
    hypervisor_words: tuple[str, ...] = ()
    is_there: bool = True


class _Leave(NamedTuple):
    """Why commands are left: `break`, `continue`, `return`, or `end` for good."""

    kind: str
    loops: int = 1


@dataclass
class Machine:
    """A GRUB at work.

    `loaded` is what `boot` would start, `chosen` the entry with the submenus that it is
    in, `saved` what save_env would have written; `shown` is the machine as it was when
    it came to its menu, `given` how many arguments a command has before variables are
    filled in. `by_name`: names in a default go before numbers. `parsed` has
    the files that were read, by their place in the tree.
    """

    devices: Devices
    variables: Environment
    builtins: Mapping[str, Builtin]
    budget: Budget = field(default_factory=Budget)
    functions: dict[str, Script] = field(default_factory=dict)
    menus: list[list[MenuEntry]] = field(default_factory=lambda: [[]])
    args: list[str] | None = None
    loaded: Loaded | None = None
    chosen: tuple[MenuEntry, ...] = ()
    shown: "Machine | None" = None
    by_name: bool = False
    saved: dict[str, str] = field(default_factory=dict)
    notes: dict[str, None] = field(default_factory=dict)
    parsed: dict[str, Script] = field(default_factory=dict)
    listed: set[str] = field(default_factory=set)
    given: int = 0
    _leave: _Leave | None = None
    _loops: int = 0
    _depth: int = 0

    def fork(self) -> "Machine":
        """Return one that goes on from here alone, and shares the budget."""
        return replace(
            self,
            variables=self.variables.mark(),
            functions=dict(self.functions),
            menus=[list(each) for each in self.menus],
            loaded=copy.copy(self.loaded),
            saved=dict(self.saved),
            notes={},
            listed=set(self.listed),
        )

    # --- what commands ask

    @property
    def ended(self) -> bool:
        """Tell whether the boot is over: something was started, or nothing will be."""
        return self._leave is not None and self._leave.kind == "end"

    def end(self) -> int:
        """End the boot."""
        self._leave = _Leave("end")
        return 0

    @property
    def files(self) -> DeviceFiles:
        """Return the disks as they are seen now."""
        return DeviceFiles(self.devices, self.variables.get("root"), self.budget)

    def note(self, text: str) -> None:
        """Say that something could not be known."""
        self.notes[text] = None

    # --- running

    def source(self, path: str) -> None:
        """Run a file; one that isn't there is passed over, as GRUB does it."""
        place = self.files.place(path)
        if place is not None and place not in self.parsed:
            text = self.files.text(path)
            if text is not None:
                self.parsed[place] = parse_file(text)
        script = self.parsed.get(place or "")
        if script is None:
            return
        root = self.variables.get("root")
        whole = path if path.startswith("(") else f"({root}){path}"
        names = {"config_file": whole, "config_directory": whole.rpartition("/")[0]}
        before = {name: self.variables.get(name) for name in names}
        for name, value in names.items():
            self.variables.set(name, value)
        self.variables.export(names)
        self._nested(script)
        for name, value in before.items():
            self.variables.set(name, value)

    def evaluate(self, text: str) -> int:
        """Run a text that was made; GRUB passes over one that is no script."""
        self.budget.spend(1 + len(text) // BYTES_A_STEP)
        try:
            script = parse(text if text.endswith("\n") else text + "\n")
        except InvalidInput as error:
            self.note(f"{error.message}, in a text that it makes and runs")
            return BAD_ARGUMENT
        return self._nested(script)

    def run_entry(self, entry: MenuEntry) -> None:
        """Run what an entry is made of."""
        before, self.args = self.args, list(entry.args)
        if entry.source:
            self.evaluate(entry.source)
        else:
            self.variables.set("?", "0")  # of `setparams`, which GRUB puts before it
            self._nested(entry.body)
        self.args = before
        if not self.ended:
            self._leave = None

    def run(self, script: Script) -> int:
        """Run commands; return the last one's status, 0 for true."""
        status = 0
        for node in script:
            status = self._node(node)
            self.variables.set("?", str(status))
            if self._leave:
                break
        return status

    def _nested(self, script: Script) -> int:
        self._depth += 1
        if self._depth > _DEEPEST:
            raise InvalidInput(f"it calls more than {_DEEPEST} deep: does it ever end?")
        status = self.run(script)
        self._depth -= 1
        return status

    def _node(self, node: Node) -> int:
        self.budget.spend(1)
        match node:
            case Command():
                return self._command(node)
            case If():
                return self._if(node)
            case For():
                return self._for(node)
            case While():
                return self._while(node)
            case Function():
                self.functions[node.name] = node.body
        return 0

    def _if(self, node: If) -> int:
        for condition, body in node.branches:
            status = self.run(condition)
            if self._leave:
                return status
            if status == 0:
                return self.run(body)
        return self.run(node.otherwise)

    def _for(self, node: For) -> int:
        status = 0
        words = self._filled(node.words)
        if any(word[:1] in ("/", "(") and {*word} & {*"*?"} for word in words):
            self.note(f"which files {' '.join(words)[:80]} means is not looked up")
        self._loops += 1
        for word in words:
            self.budget.spend(1)
            self.variables.set(node.name, word)
            status = self.run(node.body)
            if not self._goes_on():
                break
        self._loops -= 1
        return status

    def _while(self, node: While) -> int:
        self._loops += 1
        while True:
            self.budget.spend(1)
            status = self.run(node.condition)
            if self._leave or (status == 0) == node.until:
                break
            status = self.run(node.body)
            if not self._goes_on():
                break
        self._loops -= 1
        return status

    def _goes_on(self) -> bool:
        """Tell whether a loop goes on after its body; one loop less is left then."""
        leave = self._leave
        if leave is None or leave.kind not in ("break", "continue"):
            return leave is None
        goes_on = leave.kind == "continue" and leave.loops == 1
        self._leave = leave._replace(loops=leave.loops - 1) if leave.loops > 1 else None
        return goes_on

    # --- commands

    def leave(self, kind: str, loops: int = 1) -> int:
        """Leave loops by `break` or `continue`, or a function by `return`."""
        if kind == "return" or self._loops:
            self._leave = _Leave(kind, min(loops, max(self._loops, 1)))
        return 0

    def _filled(self, words: Sequence[Word]) -> list[str]:
        made = fill(words, self.variables.get, self.args or [])
        self.budget.spend(len(made))
        return made

    def _command(self, node: Command) -> int:
        words = self._filled(node.words)
        inverted = words[:1] == ["!"]
        if len(words) <= inverted:
            return BAD_ARGUMENT if inverted else 0
        name, *args = words[inverted:]
        self.given = len(node.words) - inverted - 1
        if name in ("menuentry", "submenu"):
            status = self._define(name, args, node.block)
        elif name in self.builtins:
            status = self.builtins[name](self, args)
        elif name in self.functions:
            status = self._call(self.functions[name], args)
        else:
            return self._assign(name)
        return (FALSE if status == 0 else 0) if inverted else status

    def _define(self, name: str, words: list[str], block: Script | None) -> int:
        args, options = read_options(words)
        source = options.get("source", "")
        if not args or (block is None) == ("source" not in options):
            return BAD_ARGUMENT
        submenu = name == "submenu"
        entry = MenuEntry(args, options.get("id", ""), block or (), source, submenu)
        self.menus[-1].append(entry)
        return 0

    def _call(self, function: Script, args: list[str]) -> int:
        outer = self.args, self._loops
        self.args, self._loops = args, 0
        status = self._nested(function)
        self.args, self._loops = outer
        if self._leave and self._leave.kind == "return":
            self._leave = None
        return status

    def _assign(self, word: str) -> int:
        """Take what is no command for an assignment; GRUB goes on where it is none."""
        name, is_one, value = word.partition("=")
        if is_one and name and not SPECIAL.fullmatch(name):
            self.variables.set(name, value)
        return 0
