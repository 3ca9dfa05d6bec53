"""Edits are drawn from these names and parameters; what all kinds of edits share."""

import random
from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from histories.documents import Fields, No, State
from histories.lines import Layer, added, meant

Args = dict[str, Any]


IMAGES, ENTRIES, KERNELS = ("web", "db", "gpu"), ("a", "b", "c"), ("k1", "k2", "k3")


NODES = tuple(f"n{number}" for number in range(1, 9))


GROUPS = ("g1", "g2", "g3", "g4")


TOKENS = (
    *("quiet", "ro", "panic=10", "panic=30", "root=/dev/sda1", "root=/dev/sda2"),
    *("console=ttyS0,115200", "console=tty0", "net-dev=eth0", "net_dev=eth1"),
    *("rw", "rd.lvm.lv=vg/a", "rd.lvm.lv=vg/b", "console=ttyS0,9600"),
    *("hugepages=4", "hugepages=8", "hugepagesz=1G", "hugepagesz=2M"),
    *("dyndbg=module foo +p ; module bar +p", "memmap=1G$4G", "x=a;b&c|d<e>f#g*h?"),
)


VARIABLES = ("id={node.index}", "rack={node.var.rack}", "who={node.name}:{node.mac}")


class Edit(NamedTuple):
    """One kind: `draw` gives arguments, `words` kp's, `done` the state after it."""

    draw: Callable[[random.Random, State], Args | None]
    words: Callable[[Args], list[str]]
    done: Callable[[State, Args], State]


def mac(number: int) -> str:
    return f"02:00:00:00:00:{number:02x}"


def tokens(rng: random.Random, most: int = 3, *, variables: bool = True) -> list[str]:
    """A few parameters, none twice."""
    pool = TOKENS + (VARIABLES if variables and rng.random() < 0.5 else ())
    return rng.sample(pool, rng.randint(0, most))


def whole_line(rng: random.Random, *, variables: bool = True) -> list[str]:
    """A few parameters as people type them: some twice, some behind a mark."""
    found = tokens(rng, variables=variables)
    found += rng.sample(found, 1) if found and rng.random() < 0.3 else []
    for mark in ("---", "--"):
        if rng.random() < 0.1:
            found.insert(rng.randint(0, len(found)), mark)
    return found


def quoted(params: list[str]) -> str:
    return " ".join(f'"{token}"' if " " in token else token for token in params)


def worded(document: Fields, args: Args, below: Iterable[Layer] = ()) -> Fields:
    """A layer's document with its tokens changed, as `change_of` drew it."""
    params, less = document["params"], args["remove"]
    for wanted in less:
        said = any(meant(token, wanted) for token in params)
        if not said and any(meant(t, wanted) for _, each, _ in below for t in each):
            raise No(f"{wanted} is said below")
    params = [t for t in params if not any(meant(t, wanted) for wanted in less)]
    without = [*document.get("without", ())]
    for wanted in args.get("with", ()):
        if wanted not in without:
            raise No(f"{wanted} is not taken away")
        without.remove(wanted)
    without += [each for each in args.get("without", ()) if each not in without]
    made = document | {"params": added(params, args["add"]), "without": without}
    return {k: v for k, v in made.items() if k != "without" or v}


def change_of(rng: random.Random, document: Fields) -> Args:
    """Parameters to add, to remove, to be without and no more."""
    params, without = document["params"], document.get("without", [])
    old = [rng.choice(params)] if params and rng.random() < 0.5 else []
    old = [each for each in old if each not in ("--", "---")]
    new = [t for t in tokens(rng, 2) if not any(meant(t, each) for each in old)]
    away = rng.choice((*TOKENS, "console", "root", "dyndbg"))
    args: Args = {"add": new, "remove": old, "without": [], "with": []}
    if without and rng.random() < 0.5:
        args["with"] = [rng.choice(without)]
    elif rng.random() < 0.3:
        args["without"] = [away]
    return args


def option(name: str, value: Any) -> list[str]:
    return [] if value is None else [f"--{name}", str(value)]


def each_of(name: str, values: list[str]) -> list[str]:
    return [word for value in values for word in (f"--{name}", value)]


def changed_params(args: Args) -> list[str]:
    words = each_of("add-param", args["add"]) + each_of("remove-param", args["remove"])
    words += each_of("without-param", args.get("without", []))
    return words + each_of("with-param", args.get("with", []))


def need(state: State, *key: str) -> Fields:
    if key not in state:
        raise No(f"no {key}")
    return state[key]


def refuse_taken(state: State, *key: str) -> None:
    if key in state:
        raise No(f"{key} is there")


def some(
    rng: random.Random, found: list[str], others: tuple[str, ...] = ()
) -> str | None:
    """One that is there; now and then another."""
    if others and (not found or rng.random() < 0.04):
        return rng.choice(others)
    return rng.choice(found) if found else None
