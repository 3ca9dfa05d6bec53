"""Which commits changed something. Needs no model, lock or loader."""

from typing import Final

from kpstore.history.revisions import Query, Revision
from kpstore.model.names import missing
from kpstore.site.reader import SiteReader

_FOLDERS: Final = {"entry": "entries", "kernel": "kernels"}


def log(site: SiteReader, query: Query) -> list[Revision]:
    """Return the revisions that a query asks for, newest first.

    NotFound for a name that nothing has, and nothing had.
    """
    found = site.revisions(query)
    for kind in () if found else ("node", "image", *_FOLDERS):
        name = getattr(query, kind)
        if name is None:
            continue
        asked = Query(image=query.image if kind in _FOLDERS else None)
        if not site.revisions(asked._replace(**{kind: name}, limit=1)):
            raise missing(kind, name, _known(site, kind, name, asked.image))
    return found


def _known(site: SiteReader, kind: str, name: str, within: str | None) -> list[str]:
    """Return the names that main has of a kind, in the form of the one asked for."""
    tip = site.tip()
    if kind == "node":
        return [node["name"] for node in site.nodes(tip)]
    images = site.names(tip, "images")
    if kind not in _FOLDERS:
        return images
    has_image = "/" in name
    return [
        f"{image}/{each}" if has_image else each
        for image in ([within] if within and not has_image else images)
        for file in site.names(tip, f"images/{image}/{_FOLDERS[kind]}")
        if (each := file.removesuffix(".json"))
    ]
