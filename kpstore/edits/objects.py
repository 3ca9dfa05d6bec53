"""Documents as they are written out and read in again: `image/web`, `node/n01`.

One JSON object maps each object to its fields, or to null to remove it. Verdicts are
no part of it: they are what was found, not what is wanted.
"""

import json
from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from kpstore.edits import groups, images
from kpstore.errors import InvalidInput
from kpstore.model import bounds
from kpstore.model.documents import Document, Node, Site
from kpstore.model.keys import MODELS, Key, Kind
from kpstore.model.names import check_name, check_node_name, missing
from kpstore.model.state import State
from kpstore.model.validation import from_json

_ONE: Final[tuple[Kind, ...]] = ("target", "image", "group", "node")
_TWO: Final[tuple[Kind, ...]] = ("kernel", "entry")
_FORMS: Final = (
    "site, target/T, image/I, kernel/I/K, entry/I/E, group/G or node/N are objects"
)
# What others name comes first, so that what names it finds it there.
_ORDER: Final = ("site", "target", "image", "kernel", "entry", "node", "group")


def key_of(text: str) -> Key:
    """Return what `entry/web/production` names; InvalidInput for other forms."""
    match text.split("/"):
        case ["site"]:
            return Key("site")
        case [kind, name] if kind in _ONE and name:
            return Key(kind, name)
        case [kind, image, name] if kind in _TWO and image and name:
            return Key(kind, name, image)
    raise InvalidInput(f"{text!r} is no object", hint=_FORMS)


def text_of(key: Key) -> str:
    """Return how an object is written: the opposite of `key_of`."""
    return "/".join(part for part in (key.kind, key.within, key.name) if part)


def written(state: State, keys: Iterable[Key] = ()) -> dict[str, Any]:
    """Return objects by name with their fields; all there are when none is named.

    An image brings its kernels and entries along. NotFound for what isn't there.
    """
    wanted = [each for key in keys for each in _with_parts(state, key)]
    found = {key: _there(state, key) for key in wanted or _all(state)}
    return {
        text_of(key): document.model_dump(mode="json", by_alias=True)
        for key, document in found.items()
    }


def read(data: bytes) -> dict[str, Any]:
    """Read what was written; InvalidInput for anything but a JSON object of objects."""
    if len(data) > bounds.TABLE:
        raise InvalidInput(
            f"the document has more than {bounds.TABLE:,} bytes",
            hint="apply it in parts",
        )
    try:
        found = json.loads(data, object_pairs_hook=_unique)
    except (ValueError, RecursionError) as error:  # no UTF-8 among them
        raise InvalidInput(
            f"the document is no JSON: {error}", hint="kp export prints one"
        ) from None
    if not isinstance(found, dict):
        raise InvalidInput(
            "the document is no JSON object", hint="kp export prints one"
        )
    return found


def put(state: State, objects: Mapping[str, Any]) -> None:
    """Make the objects what they are said to be; null removes one.

    InvalidInput names the object and the field.
    """
    parsed = {key_of(text): fields for text, fields in objects.items()}
    for key in sorted(parsed, key=lambda key: _ORDER.index(key.kind)):
        if parsed[key] is not None:
            _put(state, key, parsed[key])
    for name in [key.name for key in parsed if key.kind == "group" and parsed[key]]:
        groups.change(state, name, {"nodes": state.group(name).nodes})
    for key in sorted(parsed, key=lambda key: -_ORDER.index(key.kind)):
        if parsed[key] is None:
            _drop(state, key)


def _put(state: State, key: Key, fields: Any) -> None:
    where, known = text_of(key), state.get(key)
    if not isinstance(fields, dict):
        raise InvalidInput(
            f"{where}: {fields!r} is no JSON object of fields", hint="kp schema"
        )
    document = from_json(MODELS[key.kind], fields, where)
    if isinstance(document, Node) and document.name != key.name:
        raise InvalidInput(
            f"{where}: it is named {document.name!r}",
            hint="the name is said twice, and both are one",
        )
    if isinstance(document, Site):
        _check_identity(state.site(), document)
    if known is None and key.kind == "node":
        check_node_name(key.name)
    elif known is None:
        if key.within:
            check_name(key.within, "image")
        state.add(key, document)
    state.put(key, document)


def _check_identity(known: Site, site: Site) -> None:
    if site.id != known.id:
        raise InvalidInput(
            f"site: its id is {known.id} for ever, and {site.id} is another's",
            hint="leave `site` out to take over another site's objects",
        )


def _drop(state: State, key: Key) -> None:
    if key.kind == "site":
        raise InvalidInput("site: the settings can't be removed", hint="kp site set")
    if state.get(key) is None:
        return
    if key.kind == "image":
        images.remove(state, key.name)
    else:
        state.drop(key)


def _with_parts(state: State, key: Key) -> Iterator[Key]:
    yield key
    if key.kind == "image":
        for kind in _TWO:
            names = state.names(kind, key.name)
            yield from (Key(kind, each, key.name) for each in names)


def _all(state: State) -> Iterator[Key]:
    yield Key("site")
    yield from (Key("target", name) for name in state.names("target"))
    for name in state.names("image"):
        yield from _with_parts(state, Key("image", name))
    yield from (Key("group", name) for name in state.names("group"))
    yield from (Key("node", node.name) for node in state.nodes())


def _there(state: State, key: Key) -> Document:
    document = state.get(key)
    if document is None:
        raise missing(key.kind, key.name, state.names(key.kind, key.within))
    return document


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Refuse a name that is said twice: JSON would take the last without a word."""
    found = dict(pairs)
    if len(found) < len(pairs):
        names = [name for name, _ in pairs]
        twice = next(name for name in names if names.count(name) > 1)
        raise ValueError(f"{twice!r} is said twice")
    return found
