"""The one merge rule for kernel parameters: later wins by key, in its old place."""

from collections.abc import Collection, Iterable
from typing import Final, NamedTuple

from kpstore.errors import InvalidInput

RESERVED: Final = frozenset({"initrd", "BOOT_IMAGE"})
"""Keys that a loader sets itself; PXELINUX would even fetch what an initrd= names."""


class Layer(NamedTuple):
    """Parameters and who says them: `image web`, `group rack1`, `node n001`."""

    origin: str
    params: tuple[str, ...]


class Merged(NamedTuple):
    """One parameter of a merged line, and the layer that it comes from."""

    token: str
    origin: str


def key_of(token: str) -> str:
    """Return what a parameter sets: `root` of `root=/dev/sda1`.

    Dash and underscore are one in the kernel's own parameter names.
    """
    return token.split("=", 1)[0].replace("-", "_")


def merge(layers: Iterable[Layer], repeatable: Collection[str]) -> list[Merged]:
    """Lay the layers over each other.

    A later parameter replaces the earlier one of the same key where that stood;
    one whose key is in `repeatable` is added unless the same token is there.
    """
    repeats = {key_of(key) for key in repeatable}
    merged: list[Merged] = []
    place: dict[str, int] = {}
    for layer in layers:
        for token in layer.params:
            key = key_of(token)
            slot = token if key in repeats else key
            if slot not in place:
                place[slot] = len(merged)
                merged.append(Merged(token, layer.origin))
            elif key not in repeats:
                merged[place[slot]] = Merged(token, layer.origin)
    return merged


def check_layer(layer: Layer, repeatable: Collection[str]) -> None:
    """InvalidInput for a key that is a loader's, or given twice and not repeatable."""
    repeats = {key_of(key) for key in repeatable}
    seen: set[str] = set()
    for token in layer.params:
        key = key_of(token)
        if key in RESERVED:
            raise InvalidInput(
                f"{layer.origin}: parameter {token!r} is for the loader to set",
                hint="an initrd belongs to the kernel: kp kernel add --initrd",
            )
        if key in seen and key not in repeats:
            raise InvalidInput(
                f"{layer.origin}: parameter {key!r} is given twice",
                hint="declare it repeatable in the site's settings if both are meant",
            )
        seen.add(key)


def check_tie(first: Layer, second: Layer, repeatable: Collection[str]) -> None:
    """InvalidInput when two layers of equal priority set one key differently."""
    repeats = {key_of(key) for key in repeatable}
    ours = {key_of(token): token for token in first.params}
    for token in second.params:
        key = key_of(token)
        if key not in repeats and ours.get(key, token) != token:
            raise InvalidInput(
                f"{first.origin} and {second.origin} have the same priority and set "
                f"{key!r} differently: {ours[key]} and {token}",
                hint="give one of them a higher one: kp group set GROUP --priority N",
            )


def compose(tokens: Iterable[str]) -> str:
    """Return the command line that the kernel is given.

    A token with a space is quoted as a whole, the form that every loader passes on
    unchanged (Linux `next_arg` in lib/cmdline.c takes it).
    """
    return " ".join(f'"{token}"' if " " in token else token for token in tokens)


def split(text: str) -> tuple[str, ...]:
    """Split a command line into tokens, honouring double quotes as Linux does."""
    tokens: list[str] = []
    token, quoted, begun = "", False, False
    for character in text:
        if character == '"':
            quoted, begun = not quoted, True
        elif character.isspace() and not quoted:
            if begun:
                tokens.append(token)
            token, begun = "", False
        else:
            token, begun = token + character, True
    if quoted:
        raise InvalidInput(
            f"unbalanced quote in parameters: {text}",
            hint="a quote needs its like; kp's parameters need none",
        )
    return (*tokens, token) if begun else tuple(tokens)
