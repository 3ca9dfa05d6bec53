"""What another version of kp drew in an image tree, held against its own digests."""

from dataclasses import replace

from kpstore.disk.beneath import Beneath
from kpstore.targets.tree.layout import LiveTree, TreeRendering, digest, look


def as_drawn(
    tree: Beneath, rendering: TreeRendering, live: LiveTree
) -> TreeRendering | None:
    """Return a rendering with the loader files that are live in place of its own.

    None where they aren't as the marker says: then they can't be drawn as they were.
    """
    if not rendering.files:
        return rendering
    seen = {path: look(tree, path) for path in live.files}
    if any(
        each.kind != "file" or digest(each.data) != live.files[path]
        for path, each in seen.items()
    ):
        return None
    return replace(
        rendering,
        files={path: each.data for path, each in seen.items()},
        switch=tuple(path for path in rendering.switch if path in seen),
    )
