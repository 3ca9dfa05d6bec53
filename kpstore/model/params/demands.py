"""What a site and its images require and forbid of the lines that are booted.

A demand is a key (`crashkernel`) or a token (`mitigations=auto`).
"""

from collections.abc import Iterable, Iterator

from kpstore.errors import InvalidInput
from kpstore.model.boot import Boot, default_boot, resolve
from kpstore.model.documents import Image, Site
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
    boot = resolve(state, template)
    if boot is not None:
        _check(state, boot)


def check_default(state: State, image: str) -> None:
    """Hold the default of an image to them, where it has no node yet."""
    boot = default_boot(state, image)
    if boot is not None:
        _check(state, boot)


def _check(state: State, boot: Boot) -> None:
    for problem in _problems(state, boot):
        raise problem


def _problems(state: State, boot: Boot) -> Iterator[InvalidInput]:
    image, what = state.image(boot.image), f"{boot.image}/{boot.entry}"
    for by, of in (("the site", state.site()), (f"image {boot.image}", image)):
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
