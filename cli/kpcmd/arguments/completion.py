"""Names for the shell to complete, read without a model, a lock or a loader.

Whatever goes wrong, there is nothing to complete: a shell is no place for errors.
"""

from collections.abc import Callable, Iterator

import typer

from kpcmd.frame import session_of
from kpstore.errors import KpError
from kpstore.site.reader import Query, SiteReader

_REVISIONS = 20  # that are offered, the newest


def _completer(
    names: Callable[[SiteReader, typer.Context], Iterator[str]],
) -> Callable[[typer.Context, str], list[str]]:
    def complete(context: typer.Context, incomplete: str) -> list[str]:
        try:
            reader = SiteReader(session_of(context).root)
            found = list(names(reader, context))
        except (KpError, OSError):
            return []
        return [name for name in found if name.startswith(incomplete)]

    return complete


def _folder(folder: str) -> Callable[[SiteReader, typer.Context], Iterator[str]]:
    def names(reader: SiteReader, _: typer.Context) -> Iterator[str]:
        for name in reader.names(reader.tip(), folder):
            yield name.removesuffix(".json")

    return names


def _within(folder: str) -> Callable[[SiteReader, typer.Context], Iterator[str]]:
    """Complete what lies in the image that stands before it on the line."""

    def names(reader: SiteReader, context: typer.Context) -> Iterator[str]:
        tip = reader.tip()
        image = context.params.get("image")
        for each in [image] if image else reader.names(tip, "images"):
            for name in reader.names(tip, f"images/{each}/{folder}"):
                yield name.removesuffix(".json")

    return names


def _nodes(reader: SiteReader, _: typer.Context) -> Iterator[str]:
    for fields in reader.nodes(reader.tip()):
        yield fields["name"]


def _groups(reader: SiteReader, context: typer.Context) -> Iterator[str]:
    yield from _folder("groups")(reader, context)


def _revisions(reader: SiteReader, _: typer.Context) -> Iterator[str]:
    for line in reader.revisions(Query(limit=_REVISIONS)):
        yield f"r{line.number}"


images = _completer(_folder("images"))
entries = _completer(_within("entries"))
kernels = _completer(_within("kernels"))
groups = _completer(_groups)
targets = _completer(_folder("targets"))
nodes = _completer(_nodes)
revisions = _completer(_revisions)
