"""The bytes that a state is rendered to, by target and file, for people to compare."""

from collections.abc import Iterator

from kpstore.model.census import FullCensus
from kpstore.model.state import State
from kpstore.targets.rendering import When, render_whole
from kpstore.targets.spec import TargetSpec
from kpstore.targets.tftp.generation import Generation
from kpstore.targets.values import Marker

_NOBODY = Marker("", "0" * 40, 0)  # no file that nodes read names the commit


def served_bytes(state: State) -> dict[str, bytes]:
    """Return what every target would serve, complete: `target/menu/loader` -> bytes.

    Entry points are links and not in it, nor are kernels and initrds.
    """
    census = FullCensus(state)
    specs = [
        TargetSpec.of(name, state.target(name).model_dump())
        for name in state.names("target")
    ]
    return {
        f"{spec.name}/{path}": data
        for spec in specs
        if spec.enabled
        for path, data in _files(spec, state, census)
    }


def _files(
    spec: TargetSpec, state: State, census: FullCensus
) -> Iterator[tuple[str, bytes]]:
    made = render_whole(spec, state, census, _NOBODY, When(0, 0))
    if not isinstance(made, Generation):
        yield from made.files.items()
        return
    for template, menus in made.menus.items():
        yield from ((f"{template}/{loader}", data) for loader, data in menus.items())
    for mac, form in made.nodes.items():
        files = form.files if form and form.files else {}
        yield from ((f"{mac}/{loader}", data) for loader, data in files.items())
