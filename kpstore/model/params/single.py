"""Table 1, the rule of before: one value a key, but for a site's `repeatable`."""

from collections.abc import Collection, Iterable

from kpstore.errors import InvalidInput
from kpstore.model.params.layers import Layer, Line, Merged, Replaced


def merge(layers: Iterable[Layer], repeats: Collection[str]) -> Line:
    """Lay the layers over each other.

    A later parameter replaces the earlier one of the same key where that stood;
    one whose key is in `repeats` is added unless the same token is there.
    """
    merged: list[Merged] = []
    replaced: list[Replaced] = []
    place: dict[str, int] = {}
    for origin, params, _ in layers:
        for token in params:
            key = key_of(token)
            slot = token if key in repeats else key
            if slot not in place:
                place[slot] = len(merged)
                merged.append(Merged(token, origin))
            elif key not in repeats:
                before = merged[place[slot]]
                merged[place[slot]] = Merged(token, origin)
                if before.token != token:
                    replaced.append(Replaced(*before, origin, (token,)))
    return Line(tuple(merged), tuple(replaced))


def key_of(token: str) -> str:
    """Return what a parameter sets; dash and underscore are one in every key here."""
    return token.split("=", 1)[0].replace("-", "_")


def check_layer(layer: Layer, repeats: Collection[str]) -> None:
    """InvalidInput for a key that is given twice and not repeatable, for `without`."""
    if layer.without:
        raise InvalidInput(
            f"{layer.origin}: {layer.without[0]!r} can't be taken away by table 1",
            hint="table 2 does: kp site set --params-table 2",
        )
    seen: set[str] = set()
    for key in map(key_of, layer.params):
        if key in seen and key not in repeats:
            raise InvalidInput(
                f"{layer.origin}: parameter {key!r} is given twice",
                hint="table 2 takes it: kp site set --params-table 2",
            )
        seen.add(key)


def tied(
    first: Layer, second: Layer, repeats: Collection[str]
) -> tuple[str, str, str] | None:
    """Return a key that two layers set differently, and how; None where none is."""
    ours = {key_of(token): token for token in first.params}
    for token in second.params:
        key = key_of(token)
        if key not in repeats and ours.get(key, token) != token:
            return key, ours[key], token
    return None
