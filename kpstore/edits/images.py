"""Edits of images."""

from collections.abc import Collection
from typing import Any, Unpack

from kpstore.edits import layers
from kpstore.errors import InvalidInput
from kpstore.model.documents import Image
from kpstore.model.keys import Key
from kpstore.model.params.demands import demanded
from kpstore.model.params.wording import Tokens
from kpstore.model.state import State
from kpstore.model.validation import make, replace


def add(state: State, name: str, fields: dict[str, Any]) -> Image:
    """Add an image; Refused when there is one of that name."""
    image = make(Image, fields, f"image {name}")
    state.add(Key("image", name), image)
    return image


def change(
    state: State, name: str, fields: dict[str, Any], **tokens: Unpack[Tokens]
) -> list[str]:
    """Set fields of an image and change its parameters; say what is worth a word."""
    origin = f"image {name}"
    image = replace(state.image(name), fields, origin)
    image, notes = layers.reword(state, image, origin, tokens, tuple)
    state.put(Key("image", name), image)
    return notes


def demand(
    state: State,
    name: str,
    required: Collection[str] = (),
    forbidden: Collection[str] = (),
    allowed: Collection[str] = (),
) -> None:
    """Require and forbid parameters of what an image's nodes boot, or do so no more."""
    image = state.image(name)
    fields = demanded(image, required, forbidden, allowed)
    state.put(Key("image", name), replace(image, fields, f"image {name}"))


def set_default(state: State, name: str, entry: str) -> None:
    """Make an entry the one that the image's nodes boot."""
    state.entry(name, entry)
    change(state, name, {"default": entry})


def remove(state: State, name: str) -> None:
    """Remove an image with its entries and kernels."""
    state.image(name)
    for kind in ("entry", "kernel"):
        for part in state.names(kind, name):
            state.drop(Key(kind, part, name))
    state.drop(Key("image", name))


def require_arch(arch: str | None) -> str:
    """Return the architecture; InvalidInput when none was given or read."""
    if arch is None:
        raise InvalidInput(
            "the image's architecture is not known", hint="give --arch, or --tree DIR"
        )
    return arch
