"""The quick look at an image tree: its loader files, and the names of the rest."""

from kpstore.disk.beneath import Beneath
from kpstore.publish.target import Finding
from kpstore.publish.tree_layout import MODULES, digest, look, read_live


def quick(tree: Beneath) -> list[Finding]:
    """Compare with what the marker says that is served, without a rendering.

    Loader files by their bytes, objects and module trees by their names.
    """
    live = read_live(tree)
    if live is None:
        return []
    loaders = [
        Finding(path, "changed" if seen.kind != "missing" else "missing")
        for path, meant in live.files.items()
        if (seen := look(tree, path)).kind != "file" or digest(seen.data) != meant
    ]
    named = [*live.objects, *(f"{MODULES}/{release}" for release in live.modules)]
    return loaders + [
        Finding(each, "missing") for each in named if not tree.exists(each)
    ]
