"""Edits of boot entries."""

from typing import Any, Final

from kpstore.edits import kernels
from kpstore.edits.images import set_default
from kpstore.errors import Refused
from kpstore.model.documents import BootConfig, KernelConfig
from kpstore.model.keys import Key
from kpstore.model.state import State
from kpstore.model.templates import next_entry
from kpstore.model.validation import add_tokens, make, remove_tokens, replace

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
    add_params: tuple[str, ...] = (),
    remove_params: tuple[str, ...] = (),
    like: str | None = None,
) -> None:
    """Set fields of an entry, then add and remove parameters (idempotent)."""
    entry = state.entry(image, name)
    base = dict(state.entry(image, like)) if like else dict(entry)
    entry = replace(entry, {**base, **fields}, f"entry {image}/{name}")
    params = remove_tokens(add_tokens(entry.params, add_params), remove_params)
    entry = replace(entry, {"params": params}, f"entry {image}/{name}")
    state.kernel(image, entry.kernel)
    state.put(Key("entry", name, image), entry)


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
