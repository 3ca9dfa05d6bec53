"""Kernel parameters laid over each other, word by word after docs/architecture.md.

No code of kp is in it: slow and plain, pairs of token and who says it, one key after
the other.
"""

from collections.abc import Iterable, Sequence
from typing import Any

Said = tuple[str, str]
Layer = tuple[str, Sequence[str], Sequence[str]]
"""Who, what it says, and what it takes away from those below."""

ADDING = {"rd.lvm.lv", "console", "modprobe.blacklist", "memmap", "dyndbg", "earlycon"}
SETS = [{"hugepagesz", "hugepages", "default_hugepagesz"}, {"ro", "rw"}]


def key_of(token: str) -> str:
    name = token.partition("=")[0]
    return name if name.startswith(("rd.", "inst.")) else name.replace("-", "_")


def keys_with(token: str) -> set[str]:
    """The keys that share a place with this one's."""
    return next((each for each in SETS if key_of(token) in each), {key_of(token)})


def meant(token: str, wanted: str) -> bool:
    """Whether a key or a whole token means this one."""
    if "=" not in wanted:
        return key_of(token) == key_of(wanted)
    return alike(token, wanted)


def alike(token: str, other: str) -> bool:
    return (key_of(token), *token.partition("=")[1:]) == (
        key_of(other),
        *other.partition("=")[1:],
    )


def clash(token: str, other: str) -> bool:
    """Whether an adding key's token below goes for this one above."""
    if key_of(token) == "console":
        return token.partition(",")[0] == other.partition(",")[0]
    return alike(token, other)


def merge(layers: Iterable[Layer]) -> list[Said]:
    """The line that layers make, lowest first."""
    line: list[Said] = []
    for origin, params, without in layers:
        line = _over(line, [(token, origin) for token in params], without)
    return line


def _over(below: list[Said], above: list[Said], without: Sequence[str]) -> list[Said]:
    front, copied, init = _parts(_taken(below, without))
    new_front, new_copied, new_init = _parts(above)
    sides = [front, copied[1:]]
    news = [new_front, new_copied[1:]]
    here = [each for each in (*new_front, *new_copied[1:]) if each[0] != "---"]
    done: set[str] = set()
    for token, _ in here:
        names = keys_with(token)
        mine = [each for each in here if key_of(each[0]) in names]
        if not names & done and _place(sides, names, mine):
            for new in news:
                new[:] = [e for e in new if e[0] == "---" or key_of(e[0]) not in names]
        done |= names
    mark = (copied or new_copied)[:1]
    end = (init or new_init)[:1]
    front, back = sides[0] + news[0], sides[1] + news[1]
    return [*front, *mark, *back, *end, *init[1:], *new_init[1:]]


def _parts(line: list[Said]) -> tuple[list[Said], list[Said], list[Said]]:
    """The kernel's part, what begins with `---` in it, what begins with `--`."""
    tokens = [token for token, _ in line]
    end = tokens.index("--") if "--" in tokens else len(line)
    mark = tokens.index("---") if "---" in tokens[:end] else end
    return line[:mark], line[mark:end], line[end:]


def _taken(line: list[Said], without: Sequence[str]) -> list[Said]:
    front, copied, init = _parts(line)
    kept = [
        each
        for each in (*front, *copied)
        if not any(meant(each[0], wanted) for wanted in without)
    ]
    return kept + init


def _place(sides: list[list[Said]], names: set[str], mine: list[Said]) -> bool:
    """Put tokens of one place where that is, if it is there."""
    spots = [
        (side, at)
        for side in sides
        for at, (token, _) in enumerate(side)
        if key_of(token) in names
    ]
    if not spots:
        return False
    adds = bool(names & ADDING)
    side, at = spots[-1] if adds else spots[0]
    here: Said = ("", "the place")
    side.insert(at + adds, here)
    for each in sides:
        each[:] = [
            (token, origin)
            for token, origin in each
            if key_of(token) not in names
            or (adds and not any(clash(token, new) for new, _ in mine))
        ]
    at = side.index(here)
    side[at : at + 1] = mine
    return True


# --- what edits and ties make of them


def tied(first: dict[str, Any], second: dict[str, Any]) -> bool:
    """Whether two groups of one priority contradict each other."""
    for one, other in ((first, second), (second, first)):
        for wanted in one.get("without", ()):
            if any(meant(token, wanted) for token in other["params"]):
                return True
    for token in first["params"]:
        names = keys_with(token)
        ours, theirs = (
            [t for t in each["params"] if key_of(t) in names]
            for each in (first, second)
        )
        if theirs and _differ(names, ours, theirs):
            return True
    return False


def _differ(names: set[str], ours: list[str], theirs: list[str]) -> bool:
    if names == {"console"}:
        options = {token.partition(",")[0]: token for token in ours}
        last = ours[-1] != theirs[-1]
        return last or any(options.get(t.partition(",")[0], t) != t for t in theirs)
    return not names & ADDING and ours != theirs


def added(params: list[str], more: list[str]) -> list[str]:
    """What a layer says once tokens were added to it, none of them a mark."""
    found = list(params)
    for together in _together(params, more):
        if not keys_with(together[0]) & ADDING:
            found = [t for t, _ in merge([("", found, ()), ("", together, ())])]
            continue
        (token,) = together
        front, copied, init = _parts([(t, "") for t in found])
        kept = [[t for t, _ in part if not clash(t, token)] for part in (front, copied)]
        found = [*kept[0], token, *kept[1], *(t for t, _ in init)]
    return found


def _together(params: list[str], more: list[str]) -> list[list[str]]:
    """Tokens of one place at once, where the first of them was typed."""
    found: list[list[str]] = []
    for token in more:
        names = keys_with(token)
        part = next((part for part in found if key_of(part[0]) in names), None)
        if names & ADDING:
            said = [*params, *(t for part in found for t in part)]
            found += [] if any(alike(token, t) for t in said) else [[token]]
        elif part is None:
            found.append([token])
        elif len(names) > 1 or not any(alike(token, t) for t in part):
            part.append(token)
    return found
