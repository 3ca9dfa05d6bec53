"""What a site and its images require and forbid of the lines that are booted.

A demand is a key (`crashkernel`) or a token (`mitigations=auto`).
"""

from collections.abc import Iterable, Iterator

from kpstore.errors import InvalidInput
from kpstore.model.boot import Boot, default_boot, resolve
from kpstore.model.documents import Image, Site
from kpstore.model.keys import Key
from kpstore.model.names import missing
from kpstore.model.params.tokens import same, says
from kpstore.model.state import State
from kpstore.model.templates import Template


def demanded(
    of: Site | Image,
    required: Iterable[str] = (),
    forbidden: Iterable[str] = (),
    allowed: Iterable[str] = (),
) -> dict[str, tuple[str, ...]]:
    """Return the fields that say so; the last word counts, `allowed` is no demand."""
    known = (*of.required_params, *of.forbidden_params)
    for token in allowed:
        if not any(same(token, each) for each in known):
            raise missing("required or forbidden parameter", token, known)
    named = [*required, *forbidden, *allowed]

    def rest(demands: Iterable[str]) -> list[str]:
        return [d for d in demands if not any(same(d, each) for each in named)]

    return {
        "required_params": (*rest(of.required_params), *required),
        "forbidden_params": (*rest(of.forbidden_params), *forbidden),
    }


def check_demands(state: State, template: Template) -> None:
    """InvalidInput when the line of a template's nodes is not as it must be."""
    if template.image and is_demanding(state, template.image):
        _check(state, resolve(state, template))


def check_default(state: State, image: str) -> None:
    """Hold the default of an image to its demands, and the site's."""
    _check(state, default_boot(state, image))


def is_demanding(state: State, image: str) -> bool:
    """Tell whether anything is demanded of what an image's nodes boot."""
    return any(
        of.required_params or of.forbidden_params for _, of in _who(state, image)
    )


def _who(state: State, image: str) -> Iterator[tuple[str, Site | Image]]:
    yield "the site", state.site()
    if (
        state.get(Key("image", image)) is not None
    ):  # who asks for it says that it's gone
        yield f"image {image}", state.image(image)


def _check(state: State, boot: Boot | None) -> None:
    for problem in _problems(state, boot) if boot else ():
        raise problem


def _problems(state: State, boot: Boot) -> Iterator[InvalidInput]:
    what = f"{boot.image}/{boot.entry}"
    for by, of in _who(state, boot.image):
        for demand in of.required_params:
            if not any(says(token, demand) for token in boot.params):
                yield InvalidInput(
                    f"{what} is booted without {demand}, which {by} requires",
                    hint=f"kp image set {boot.image} --add-param {demand}",
                )
        for demand in of.forbidden_params:
            if found := [token for token in boot.params if says(token, demand)]:
                yield InvalidInput(
                    f"{what} is booted with {found[0]}, which {by} forbids",
                    hint=f"take it out; kp entry show {boot.image} {boot.entry} says "
                    "whose it is",
                )
