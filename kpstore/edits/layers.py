"""Edits of what a layer says, alike for all of them."""

from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from typing import TypeVar

from kpstore.errors import InvalidInput
from kpstore.model.boot import base_layers, group_layers
from kpstore.model.documents import BootConfig, Group, Image, NextBoot, Node
from kpstore.model.params.layers import Layer
from kpstore.model.params.tokens import says
from kpstore.model.params.wording import Tokens, reworded
from kpstore.model.state import State
from kpstore.model.templates import Membership, template_of
from kpstore.model.validation import replace

_D = TypeVar("_D", BootConfig, Group, Image, NextBoot, Node)

Below = Callable[[], Iterable[Layer]]


def reword(
    state: State, document: _D, origin: str, tokens: Tokens, below: Below
) -> tuple[_D, list[str]]:
    """Return a layer's document with its tokens changed, and what is worth a word.

    InvalidInput for a token to remove that it doesn't say, and one `below` does.
    """
    if not tokens:
        return document, []
    layer = Layer(origin, document.params, document.without)
    worded = reworded(layer, tokens, state.site().rules)
    for wanted in worded.unsaid:
        refuse_unsaid(origin, wanted, below())
        worded.notes.append(
            f"{wanted} is said neither here nor below: nothing to remove"
        )
    fields = {"params": worded.layer.params, "without": worded.layer.without}
    return replace(document, fields, origin), worded.notes


def refuse_unsaid(origin: str, wanted: str, below: Iterable[Layer]) -> None:
    """InvalidInput when a layer below says what this one doesn't."""
    for layer in below:
        if any(says(token, wanted) for token in layer.params):
            raise InvalidInput(
                f"{origin} doesn't say {wanted}: {layer.origin} does",
                hint=f"--without-param {wanted} takes it away for {origin}, "
                f"--remove-param takes it from {layer.origin}",
            )


def of_entry(state: State, image: str, entry: str) -> list[Layer]:
    """Return the layers below an entry."""
    return base_layers(state, image, entry)[:-1]


class Stack:
    """The layers below those of nodes, in one state; groups are looked at once."""

    def __init__(self, state: State) -> None:
        self._state = state

    @cached_property
    def _membership(self) -> Membership:
        return Membership(self._state.groups())

    def below(self, node: Node) -> Iterator[Layer]:
        """Yield the layers below a node's own, of the entry that it boots."""
        state, template = self._state, template_of(node, self._membership.of(node.name))
        if template.image:
            entry = template.entry or state.image(template.image).default
            yield from base_layers(state, template.image, entry) if entry else ()
            yield from group_layers(state, template)

    def below_next(self, node: Node) -> Iterator[Layer]:
        """Yield the layers below those of a node's next boot."""
        yield from self.below(node)
        yield Layer(f"node {node.name}", node.params)


def of_images(state: State) -> Iterator[Layer]:
    """Yield the layers of all images and entries: what is below a group."""
    for image in state.names("image"):
        for entry in state.names("entry", image):
            yield from base_layers(state, image, entry)
