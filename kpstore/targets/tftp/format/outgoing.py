"""What retired menus name: a node between two requests may still ask for it."""

from contextlib import suppress

from kpstore.disk.durable import Batch
from kpstore.errors import CorruptState, NotFound
from kpstore.targets.tftp.format.content import write_objects
from kpstore.targets.tftp.format.layout import KP, MENUS, Layout
from kpstore.targets.tftp.format.links import kind_of
from kpstore.targets.tftp.format.needs import paths_in
from kpstore.targets.tftp.format.state import GenerationState
from kpstore.targets.values import ArtifactSource, ObjectFile


def objects(layout: Layout, state: GenerationState) -> list[str]:
    """Return the paths of the objects that retired menus name, each once."""
    menus = (layout.path(MENUS, state.menus[name].digest) for name in state.retired)
    return sorted({path for menu in menus for path in paths_in(menu)})


def lost(layout: Layout, state: GenerationState) -> list[str]:
    """Return those that aren't there."""
    return [path for path in objects(layout, state) if not kind_of(layout.path(path))]


def restore(layout: Layout, path: str, artifacts: ArtifactSource) -> None:
    """Copy an object anew, where its artifact can be had."""
    wanted = ObjectFile(path.split("/")[2], 0, path)
    with suppress(NotFound, CorruptState), Batch(temps=layout.path(KP)) as batch:
        write_objects(layout, [wanted], artifacts, batch)
        batch.commit()
