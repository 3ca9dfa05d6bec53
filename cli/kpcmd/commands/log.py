"""`kp log`: who changed what, when and why. Needs no model, lock or loader."""

from typing import Annotated

import typer

from kpcmd.arguments import completion
from kpcmd.arguments.times import written
from kpcmd.frame import alone, session_of, verb
from kpcmd.views.revisions import revision_json, revision_line
from kpstore.queries.log import log as asked
from kpstore.site.reader import Query, SiteReader

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
        help="That changed a node, or what it boots: its image, groups, a default…",
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
    """List commits, newest first. Times are UTC.

    A node is asked as it was then: with the image and groups that it had. A name that
    was removed is found.
    """
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
    found = asked(SiteReader(session.root, session.say_once), query)
    document = [revision_json(line) for line in found]
    session.out.answer(document, map(revision_line, found))
