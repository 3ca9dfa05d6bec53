"""Edits are drawn from these names and parameters; what all kinds of edits share."""

import random
from collections.abc import Callable
from typing import Any, NamedTuple

from histories.documents import REPEATABLE, Fields, No, State, key_of

Args = dict[str, Any]


IMAGES, ENTRIES, KERNELS = ("web", "db", "gpu"), ("a", "b", "c"), ("k1", "k2", "k3")


NODES = tuple(f"n{number}" for number in range(1, 9))


GROUPS = ("g1", "g2", "g3", "g4")


TOKENS = (
    *("quiet", "ro", "panic=10", "panic=30", "root=/dev/sda1", "root=/dev/sda2"),
    *("console=ttyS0,115200", "console=tty0", "net-dev=eth0", "net_dev=eth1"),
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
    found: dict[str, str] = {}
    for token in rng.sample(pool, rng.randint(0, most)):
        found.setdefault(key_of(token), token)
    return list(found.values())


def quoted(params: list[str]) -> str:
    return " ".join(f'"{token}"' if " " in token else token for token in params)


def added(params: list[str], more: list[str], less: list[str]) -> list[str]:
    """One of the same key replaces in its place; removed is a token, or a key."""
    found = list(params)
    for token in more:
        same = [n for n, t in enumerate(found) if _head(t) == _head(token)]
        if token in found:
            continue
        if len(same) == 1:
            found[same[0]] = token
        else:
            found.append(token)
    return [each for each in found if each not in less and _head(each) not in less]


def _head(token: str) -> str:
    return token.split("=", 1)[0]


def change_of(rng: random.Random, params: list[str]) -> Args:
    """Parameters to add and to remove; what adds up is added only as its first."""
    new = [t for t in tokens(rng, 2) if not _adds_up(t, params)]
    old = [rng.choice(params)] if params and rng.random() < 0.5 else []
    return {"add": [t for t in new if t not in old], "remove": old}


def _adds_up(token: str, params: list[str]) -> bool:
    return key_of(token) in REPEATABLE | {key_of(each) for each in params}


def option(name: str, value: Any) -> list[str]:
    return [] if value is None else [f"--{name}", str(value)]


def each_of(name: str, values: list[str]) -> list[str]:
    return [word for value in values for word in (f"--{name}", value)]


def changed_params(args: Args) -> list[str]:
    return each_of("add-param", args["add"]) + each_of("remove-param", args["remove"])


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
