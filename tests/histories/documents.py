"""Boot state as plain dicts: documents by key, laid over each other and merged.

A key is `("node", "n1")`, `("entry", "web", "production")`; a document's fields have
docs/format.md's names, as far as a menu can tell. Nothing here is kp's code: see
docs/format.md and docs/architecture.md, section 3.
"""

import hashlib
import json
import re
from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from histories.lines import Layer, merge

Key = tuple[str, ...]
Fields = dict[str, Any]
State = dict[Key, Fields]
Changes = dict[Key, Fields | None]

OF_AN_IMAGE = ("image", "entry", "kernel")
_ABSENT = object()


class No(Exception):  # noqa: N818 - it is an answer
    """What kp must refuse, and why."""


class Clash(Exception):  # noqa: N818 - it is an answer
    """What both sides changed differently: exit status 3."""


# --- documents laid over each other


def changed(old: State, new: State) -> Changes:
    """What leads from one state to another; None for what goes."""
    keys = old.keys() | new.keys()
    return {key: new.get(key) for key in keys if old.get(key) != new.get(key)}


def laid(base: State, changes: Changes) -> State:
    """A state with changes over it."""
    state = {key: document for key, document in base.items() if key not in changes}
    return state | {key: each for key, each in changes.items() if each is not None}


def merged_changes(base: State, main: State, ours: Changes) -> Changes:
    """The changes of a draft made on `base`, as changes to main; or a Clash."""
    found, clashes = three_way(base, main, ours)
    if clashes:
        raise Clash(f"{clashes}")
    return found


def refuse_clashing(base: State, main: State, new: State, ours: Changes) -> None:
    """An edit of main goes beside a draft, unless it makes them clash: then a Clash."""
    known = three_way(base, main, ours)[1]
    if [each for each in three_way(base, new, ours)[1] if each not in known]:
        raise Clash("the edit and the draft set one field")


def three_way(base: State, main: State, ours: Changes) -> tuple[Changes, list[Any]]:
    """What to lay over main, and where both sides changed something differently."""
    found: Changes = {}
    clashes: list[Any] = []
    for key, document in ours.items():
        was, now = base.get(key), main.get(key)
        if document in (was, now):
            continue
        if now == was:
            found[key] = document
        elif was is None or now is None or document is None:
            clashes.append(((key,), now, document))
        else:
            found[key] = _fields(key, (was, now, document), clashes)
    return {k: each for k, each in found.items() if each != main.get(k)}, clashes


def settled(base: State, main: State, state: State, where: tuple[Any, ...]) -> State:
    """A base with main's word on what clashed, once an edited state has the last."""
    key, field, *item = (*where, None)[: max(2, len(where))]
    if field is None or key not in state:
        return laid(base, {key: main.get(key)})
    document = {**base[key]}
    now = main[key].get(field, _ABSENT)
    if item:
        items = {**document[field], item[0]: now.get(item[0], _ABSENT)}
        now = {name: each for name, each in items.items() if each is not _ABSENT}
    document[field] = now
    return laid(base, {key: document})


def value_at(state: State, where: tuple[Any, ...]) -> Any:
    """What a state has where something clashed."""
    found: Any = state
    for name in where:
        found = found.get(name, _ABSENT) if found is not _ABSENT else found
    return found


def _fields(key: Key, of: tuple[Fields, ...], clashes: list[Any]) -> Fields:
    made = {}
    for field in dict.fromkeys(name for each in of for name in each):
        sides = [each.get(field, _ABSENT) for each in of]
        if all(isinstance(each, dict) for each in sides) and field in (
            "vars",
            "images",
        ):
            names = {name for side in sides for name in side}
            both = {
                n: _either((key, field, n), [s.get(n, _ABSENT) for s in sides], clashes)
                for n in names
            }
            made[field] = {
                n: value for n, value in both.items() if value is not _ABSENT
            }
        else:
            made[field] = _either((key, field), sides, clashes)
    return {field: value for field, value in made.items() if value is not _ABSENT}


def _either(where: tuple[Any, ...], sides: list[Any], clashes: list[Any]) -> Any:
    was, now, ours = sides
    if ours in (was, now):
        return now
    if now != was:
        clashes.append((where, now, ours))
    return ours


def names(state: State, kind: str, within: str = "") -> list[str]:
    """The sorted names of a kind; of entries and kernels, those of an image."""
    where = (kind, within) if within else (kind,)
    size = len(where) + 1
    return sorted(k[-1] for k in state if len(k) == size and k[: len(where)] == where)


def image_of(key: Key) -> str:
    """The image that a document belongs to, or ''."""
    return key[1] if key[0] in OF_AN_IMAGE else ""


def text_of(key: Key) -> str:
    """How kp's messages name a document."""
    return f"{key[0]} {'/'.join(key[1:])}"


# --- parameters


def layer(origin: str, document: Fields) -> Layer:
    """What a document says of parameters, and what it takes away."""
    return origin, document["params"], document.get("without", ())


def written(tokens: Iterable[str]) -> str:
    """A command line, as the kernel reads it."""
    return " ".join(f'"{token}"' if " " in token else token for token in tokens)


# --- groups


def members(state: State, text: str, seen: tuple[str, ...] = ()) -> set[str]:
    """The nodes of a set: names and groups with commas, after `!` what is left out."""
    more, *less = text.split("!")
    found = set(_terms(state, more, seen))
    return found.difference(*(_terms(state, each, seen) for each in less))


def _terms(state: State, text: str, seen: tuple[str, ...]) -> Iterator[str]:
    for term in _split(text):
        if not term.startswith("@"):
            yield from _spread(term)
            continue
        group = state.get(("group", term[1:]))
        if group is None:
            raise No(f"no group {term}")
        if term in seen:
            raise No(f"{term} is within itself")
        yield from members(state, group["nodes"], (*seen, term))


def _split(text: str) -> list[str]:
    return [term for term in re.split(r",(?![^\[]*\])", text) if term]


def _spread(term: str) -> Iterator[str]:
    """The names of `n3`, `n[1-3,5]`."""
    head, bracket, ranges = term.partition("[")
    if not bracket:
        yield term
        return
    for each in ranges.rstrip("]").split(","):
        first, _, last = each.partition("-")
        for number in range(int(first), int(last or first) + 1):
            yield f"{head}{number}"


def named(text: str) -> set[str]:
    """The nodes that a set has by their own names."""
    more, *less = text.split("!")
    found = {name for term in _split(more) if term[0] != "@" for name in _spread(term)}
    return found.difference(*(_spread(each) for each in less if each[0] != "@"))


def struck(state: State, text: str, name: str) -> str:
    """A group's set once a node is gone: it names that node no more."""
    if "@" not in text:
        left = members(state, text) - {name}
        return kept_set(state, ",".join(sorted(left))) if left else ""
    more, *less = text.split("!")
    kept = ",".join(term for term in _split(more) if term != name)
    return "!".join([kept, *(each for each in less if each != name)]) if kept else ""


def kept_set(state: State, text: str) -> str:
    """A node set as a group keeps it: folded, as given where it names groups."""
    if "@" in text:
        return text
    numbers = sorted(int(name[1:]) for name in members(state, text))
    runs: list[list[int]] = []
    for number in numbers:
        if runs and runs[-1][-1] == number - 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    parts = [f"{r[0]}-{r[-1]}" if len(r) > 1 else str(r[0]) for r in runs]
    return f"n{numbers[0]}" if len(numbers) == 1 else f"n[{','.join(parts)}]"


def groups_of(state: State, node: str) -> list[tuple[int, str]]:
    """The groups with parameters that a node is in, in the order they are laid."""
    found = []
    for name in names(state, "group"):
        group = state["group", name]
        shapes = group["params"] or group.get("without")
        if shapes and node in members(state, group["nodes"]):
            found.append((group["priority"], name))
    return sorted(found)


# --- payloads


def payload(state: State, image: str, entry: str) -> tuple[str, str]:
    """The id of what an entry boots, and that of its kin (docs/format.md)."""
    document = state["entry", image, entry]
    kernel = state["kernel", image, document["kernel"]]
    kin = {
        "kernel": kernel["vmlinuz"],
        "modules": kernel["modules"],
        "params": [token for token, _ in merge(base_layers(state, image, entry))],
        "xen": None,
    }
    if document["xen"]:
        hypervisor = state["kernel", image, document["xen"]["kernel"]]
        kin["xen"] = {
            "params": list(document["xen"]["params"]),
            "sha256": hypervisor["vmlinuz"],
        }
    whole = kin | {"arch": kernel["arch"], "initrd": list(kernel["initrd"]), "v": 1}
    return _digest(whole), _digest(kin)


def _digest(fields: Fields) -> str:
    data = json.dumps(fields, sort_keys=True, separators=(",", ":")).encode()
    return hashlib.sha256(data).hexdigest()[:32]


def base_layers(state: State, image: str, entry: str) -> list[Layer]:
    """What image and entry say, and between them the image's ssi parameters."""
    said, own = state["image", image], state["entry", image, entry]
    return [
        layer(f"image {image}", said),
        (f"ssi of {image}", (said["ssi"] or ()) if own["ssi"] else (), ()),
        layer(f"entry {image}/{entry}", own),
    ]


def verdict_on(verdicts: Mapping[Key, Fields], of: tuple[str, str]) -> str:
    """`good`, `bad` or `unknown`: its own word, else a bad one of its kin."""
    own = verdicts.get(("verdict", of[0]))
    if own:
        return str(own["verdict"])
    return "bad" if any(_damns(k, v, of[1]) for k, v in verdicts.items()) else "unknown"


def _damns(key: Key, document: Fields, kin: str) -> bool:
    is_bad = key[0] == "verdict" and document["verdict"] == "bad"
    return is_bad and document["kin"] == kin


def judge(state: State, of: tuple[str, str], word: str, image: str, said: dict) -> None:
    """Write a verdict on a payload into a state."""
    known = state.get(("verdict", of[0]))
    images = known["images"] if known and known["verdict"] == word else {}
    state["verdict", of[0]] = {
        "verdict": word,
        "kin": of[1],
        "images": {**images, image: said["revision"]},
        **said,
    }
