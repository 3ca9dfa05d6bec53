"""Edits of boot entries."""

from functools import partial
from typing import Any, Final, Unpack

from kpstore.edits import kernels, layers
from kpstore.edits.images import set_default
from kpstore.errors import Refused
from kpstore.model.documents import BootConfig, KernelConfig
from kpstore.model.keys import Key
from kpstore.model.params.wording import Tokens
from kpstore.model.state import State
from kpstore.model.templates import next_entry
from kpstore.model.validation import make, replace

PRODUCTION: Final = "production"


def add(
    state: State,
    image: str,
    name: str,
    fields: dict[str, Any],
    *,
    like: str | None = None,
    default: bool = False,
) -> None:
    """Add an entry, from scratch or like another; an image's first is its default."""
    state.image(image)
    base = dict(state.entry(image, like)) if like else {}
    entry = make(BootConfig, {**base, **fields}, f"entry {image}/{name}")
    state.kernel(image, entry.kernel)
    state.add(Key("entry", name, image), entry)
    if default or state.image(image).default is None:
        set_default(state, image, name)


def add_production(
    state: State, name: str, kernel: KernelConfig, params: tuple[str, ...]
) -> None:
    """Make `production`: the kernel that the image's own loader boots, locally."""
    kernels.add(state, name, kernel.release, kernel)
    fields = {"kernel": kernel.release, "method": "local", "params": params}
    add(state, name, PRODUCTION, fields, default=True)


def change(
    state: State,
    image: str,
    name: str,
    fields: dict[str, Any],
    *,
    like: str | None = None,
    **tokens: Unpack[Tokens],
) -> list[str]:
    """Set fields of an entry, then change its parameters; return what is worth a word.

    `like` is the entry that gives what isn't given.
    """
    entry = state.entry(image, name)
    base = dict(state.entry(image, like)) if like else dict(entry)
    origin = f"entry {image}/{name}"
    entry = replace(entry, {**base, **fields}, origin)
    below = partial(layers.of_entry, state, image, name)
    entry, notes = layers.reword(state, entry, origin, tokens, below)
    state.kernel(image, entry.kernel)
    state.put(Key("entry", name, image), entry)
    return notes


def remove(state: State, image: str, name: str) -> None:
    """Remove an entry that is no default and no node's next boot."""
    state.entry(image, name)
    if state.image(image).default == name:
        others = [other for other in state.names("entry", image) if other != name]
        raise Refused(
            f"entry {name} is the default of image {image}",
            hint=f"kp default {image} {others[0]} first"
            if others
            else f"it is the only one: kp entry add {image} NAME --default first",
        )
    state.drop(Key("entry", name, image))


def users(state: State, image: str, name: str) -> list[str]:
    """Return the nodes whose next boot names the entry; reads every node."""
    return sorted(
        node.name
        for node in state.nodes()
        if node.next and next_entry(node.next.entry, node.image) == (image, name)
    )
