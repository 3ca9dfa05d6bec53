"""`kp log`: who changed what, when and why. Needs no model, lock or loader."""

from collections.abc import Iterator
from typing import Annotated, Any

import typer

from kpcmd.arguments import completion
from kpcmd.arguments.times import written
from kpcmd.frame import alone, session_of, verb
from kpstore.site.reader import Query, Revision, SiteReader, utc

app = alone()
apps = {"log": app}


OfImage = Annotated[
    str | None,
    typer.Option(
        "--image",
        metavar="I",
        help="That touched an image.",
        autocompletion=completion.images,
    ),
]
OfNode = Annotated[
    str | None,
    typer.Option(
        "--node",
        metavar="N",
        help="That touched a node.",
        autocompletion=completion.nodes,
    ),
]
OfEntry = Annotated[
    str | None,
    typer.Option(
        "--entry",
        metavar="E",
        help="That touched an entry: NAME or IMAGE/NAME.",
        autocompletion=completion.entries,
    ),
]
OfKernel = Annotated[
    str | None,
    typer.Option(
        "--kernel",
        metavar="K",
        help="That touched a kernel.",
        autocompletion=completion.kernels,
    ),
]


@verb(
    app,
    "log",
    "kp log -n 20",
    "kp log --node n042 --since 2026-11-20",
    "kp log --image web --op rollback",
)
def log(
    context: typer.Context,
    image: OfImage = None,
    node: OfNode = None,
    entry: OfEntry = None,
    kernel: OfKernel = None,
    author: Annotated[
        str | None, typer.Option("--author", metavar="A", help="By this person.")
    ] = None,
    op: Annotated[
        str | None, typer.Option("--op", metavar="O", help="commit, rollback, next…")
    ] = None,
    since: Annotated[
        str | None, typer.Option("--since", metavar="T", help="At or after this time.")
    ] = None,
    until: Annotated[
        str | None, typer.Option("--until", metavar="T", help="At or before this time.")
    ] = None,
    number: Annotated[
        int | None, typer.Option("-n", metavar="N", min=1, help="The newest N.")
    ] = None,
) -> None:
    """List commits, newest first. Times are UTC."""
    session = session_of(context)
    query = Query(
        image=image,
        node=node,
        entry=entry,
        kernel=kernel,
        author=author,
        op=op,
        since=written(since),
        until=written(until),
        limit=number,
    )
    found = SiteReader(session.root, session.say_once).revisions(query)
    session.out.answer([_document(line) for line in found], _lines(found))


def _document(line: Revision) -> dict[str, Any]:
    return {
        "revision": f"r{line.number}",
        "commit": line.commit,
        "time": utc(line.time),
        "author": line.author,
        "op": line.op,
        "subject": line.subject,
    }


def _lines(found: list[Revision]) -> Iterator[str]:
    for line in found:
        when = utc(line.time)
        who = f"{line.author}, {line.op}"
        yield f"r{line.number} {line.commit[:12]} {when} ({who}) {line.subject}"
