"""`kp blame`: which commit last set each field of an entry."""

from collections.abc import Iterator

import typer

from kpcmd.arguments.options import EntryArg, ImageArg
from kpcmd.frame import alone, session_of, verb
from kpcmd.opening import picker
from kpcmd.terminal.output import columns
from kpcmd.views.changes import change_json
from kpstore.picker import KernelPicker
from kpstore.queries.diff import FieldChange
from kpstore.site.reader import Query, Revision, utc

app = alone()
apps = {"blame": app}


@verb(app, "blame", "kp blame web production")
def blame(context: typer.Context, image: ImageArg, name: EntryArg) -> None:
    """Say which commit last set each field of an entry, and whose that was."""
    session = session_of(context)
    opened = picker(session)
    opened.view("HEAD").entry(image, name)
    found = dict(_last_set(opened, image, name))
    document = [
        {
            **change_json(change),
            "revision": f"r{line.number}",
            "author": line.author,
            "time": utc(line.time),
        }
        for line, change in found.values()
    ]
    rows = [
        (
            f"r{line.number}",
            utc(line.time),
            line.author,
            change.field,
            str(change.new),
        )
        for line, change in found.values()
    ]
    header = ("REV", "TIME", "AUTHOR", "FIELD", "VALUE")
    session.out.answer(document, columns(header, rows))


def _last_set(
    opened: KernelPicker, image: str, name: str
) -> Iterator[tuple[str, tuple[Revision, FieldChange]]]:
    """Yield each field with the newest commit that set it."""
    seen: set[str] = set()
    for line in opened.log(Query(entry=f"{image}/{name}")):
        for change in opened.show(line.commit).changes:
            fits = change.document == f"entry {image}/{name}"
            if fits and change.field not in seen:
                seen.add(change.field)
                yield change.field, (line, change)
