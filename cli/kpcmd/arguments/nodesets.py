"""Which nodes are meant, and what the options of `kp node` mean."""

from collections.abc import Iterable, Sequence
from operator import itemgetter
from typing import Annotated, Any

import typer

from kpcmd.arguments import completion
from kpcmd.errors import WrongUsage
from kpstore.model.moves import group_sets
from kpstore.model.nodesets import expand
from kpstore.model.state import State

Fields = dict[str, Any]

OfImage = Annotated[
    str | None,
    typer.Option(
        "--image",
        metavar="IMAGE",
        help="The image that it runs.",
        autocompletion=completion.images,
    ),
]


def fields_of(
    macs: list[str] | None,
    image: str | None,
    ips: list[str] | None,
    index: int | None,
    variables: list[str] | None,
) -> tuple[Fields, dict[str, str]]:
    """Return the fields that were given, and the variables; `none` is no image."""
    fields: Fields = {}
    if macs is not None:
        fields["macs"] = macs
    if ips is not None:
        fields["ips"] = ips
    if index is not None:
        fields["index"] = index
    if image is not None:
        fields["image"] = None if image == "none" else image
    return fields, dict(_pair(text) for text in variables or [])


def _pair(text: str) -> tuple[str, str]:
    name, equals, value = text.partition("=")
    if not equals:
        raise WrongUsage(f"--var {text!r} is not K=V", hint="--var cluster_id=7")
    return name, value


def chosen(
    state: State,
    nodes: Iterable[Fields],
    sets: Sequence[str] | None,
    image: str | None,
) -> list[Fields]:
    """Return the nodes of the sets, or all, that run an image, sorted by name."""
    if sets:
        names = expand(sets, group_sets(state))
        nodes = [state.node(name).model_dump(mode="json") for name in names]
    fitting = (node for node in nodes if image in (None, node["image"]))
    return sorted(fitting, key=itemgetter("name"))
