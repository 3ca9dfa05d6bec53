"""`kp target`: the places that kp publishes to."""

from collections.abc import Collection
from pathlib import Path
from typing import Annotated, Any

import typer

from kpcmd.arguments import completion
from kpcmd.arguments.committing import editing, way_of
from kpcmd.arguments.options import TargetArg, check_choice, check_given
from kpcmd.arguments.paths import Table, kept_path, tidied
from kpcmd.context import Done
from kpcmd.editing import Way, edit
from kpcmd.errors import CONFLICT, LOCKED, OK, WrongUsage
from kpcmd.frame import noun, session_of, verb
from kpcmd.opening import picker
from kpstore.edits import targets
from kpstore.model.state import State
from kpstore.model.vocabulary import LOADERS, OF_AN_IMAGE, OPTIONS, WRITTEN
from kpstore.queries.advice import advice
from kpstore.queries.status import served_of
from kpstore.site.reader import SiteReader

app = noun("The places that kp publishes to.")
apps = {"target": app}

_KINDS = f"{' or '.join(LOADERS)}."
_LOADERS = (f"{kind}: {' '.join(written)}" for kind, written in WRITTEN.items())
_WRITTEN = f"{'; '.join(_LOADERS)}."

Prefix = Annotated[
    str | None,
    typer.Option("--prefix", metavar="P", help="kp's root below DIR."),
]
GrubDir = Annotated[
    str | None,
    typer.Option("--grub-dir", metavar="D", help="GRUB's folder, if not grub."),
]
Replace = Annotated[
    bool,
    typer.Option("--replace", help="Let a foreign loader file give way; it is kept."),
]
Server = Annotated[
    str | None,
    typer.Option(
        "--server", metavar="HOST[:PORT]", help="Where nodes fetch from, for kp doctor."
    ),
]


@editing(
    app,
    "add",
    "kp target add boot1 --kind tftp --root /srv/tftp --loader pxelinux --loader grub",
    "kp target add web-disk --kind image --root /srv/images/web --image web "
    "--loader grub",
)
def add(
    context: typer.Context,
    name: Annotated[str, typer.Argument(metavar="NAME", help="Its name.")],
    kind: Annotated[str, typer.Option("--kind", metavar="KIND", help=_KINDS)],
    root: Annotated[
        Path,
        typer.Option("--root", metavar="DIR", help="Its directory here."),
    ],
    loader: Annotated[list[str], typer.Option("--loader", metavar="L", help=_WRITTEN)],
    image: Annotated[
        str | None,
        typer.Option(
            "--image",
            metavar="IMAGE",
            help="The image whose tree it is.",
            autocompletion=completion.images,
        ),
    ] = None,
    prefix: Prefix = None,
    grub_dir: GrubDir = None,
    replace: Replace = False,
    server: Server = None,
) -> int:
    """Add a target. What is published is versioned; the path is this server's own."""
    session = session_of(context)
    options = _given(prefix, grub_dir, server, replace or None)
    _check(kind, image, options)
    fields: dict[str, Any] = {"kind": kind, "loaders": tuple(loader), "image": image}
    fields["options"] = options
    way = way_of(context, "target add")
    table: Table = "roots" if image is None else "trees"
    with kept_path(session, table, image or name, root, dry_run=way.dry_run):
        status = edit(session, way, lambda state: targets.add(state, name, fields))
    for text in advice(name, fields, root.absolute()):
        session.out.say(text)
    return status


def _check(kind: str, image: str | None, options: Collection[str]) -> None:
    """WrongUsage for a kind that isn't one, or for options of another kind."""
    check_choice("--kind", kind, tuple(LOADERS))
    if (kind in OF_AN_IMAGE) != (image is not None):
        raise WrongUsage(
            "--image goes with --kind image, and that needs one",
            hint="kp target add NAME --kind image --root DIR --image IMAGE --loader L",
        )
    _check_options(kind, options)


def _check_options(kind: str, options: Collection[str]) -> None:
    for other, own in OPTIONS.items():
        if other != kind and set(own) & set(options) - set(OPTIONS[kind]):
            flags = " and ".join(f"--{option.replace('_', '-')}" for option in own)
            go, them = ("goes", "it") if len(own) == 1 else ("go", "them")
            text = f"{flags} {go} with --kind {other}"
            raise WrongUsage(text, hint=f"leave {them} out")


@editing(
    app,
    "set",
    "kp target set boot1 --server 10.0.0.1 -m 'kp doctor fetches from there'",
    "kp target set boot1 --add-loader ipxe --drop-loader pxelinux -n",
)
def set_(
    context: typer.Context,
    name: TargetArg,
    loader: Annotated[
        list[str] | None,
        typer.Option("--loader", metavar="L", help=f"All it serves. {_WRITTEN}"),
    ] = None,
    add_loader: Annotated[
        list[str] | None,
        typer.Option("--add-loader", metavar="L", help="One more that it serves."),
    ] = None,
    drop_loader: Annotated[
        list[str] | None,
        typer.Option("--drop-loader", metavar="L", help="One that it serves no more."),
    ] = None,
    prefix: Prefix = None,
    grub_dir: GrubDir = None,
    replace: Annotated[
        bool | None,
        typer.Option(
            "--replace/--no-replace", help="Whether a foreign loader file gives way."
        ),
    ] = None,
    server: Server = None,
) -> int:
    """Change a target: which loaders it writes for, and where nodes fetch from.

    The nodes that a dropped loader served count as changed. With another prefix it is
    written anew there, and what it served stays until you remove it.
    """
    options = _given(prefix, grub_dir, server, replace)
    check_given(loader, add_loader, drop_loader, *(options.values() or (None,)))
    session = session_of(context)
    _check_options(picker(session).view().target(name).kind, options)
    fields = {"loaders": tuple(loader)} if loader else {}
    add, drop = add_loader or (), drop_loader or ()

    def change(state: State) -> None:
        targets.change(state, name, fields, options, add=add, drop=drop)

    return edit(session, way_of(context, "target set"), change)


def _given(
    prefix: str | None, grub_dir: str | None, server: str | None, replace: bool | None
) -> dict[str, Any]:
    """Return the options that were given; `/pxe/` is the prefix `pxe`."""
    below = None if prefix is None else prefix.strip("/")
    given = {"prefix": below, "grub_dir": grub_dir, "server": server}
    named = {**given, "replace": replace}
    return {option: value for option, value in named.items() if value is not None}


@verb(app, "list", "kp target list")
def list_(context: typer.Context) -> None:
    """List the targets, with their paths on this server."""
    session = session_of(context)
    opened = picker(session)
    state = opened.view()
    settings = opened.site.settings
    found = []
    reader = SiteReader(session.root, session.say_once)
    for name in state.names("target"):
        target = state.target(name)
        root = settings.roots.get(name)
        if target.image is not None:
            root = settings.trees.get(target.image)
        path = str(root) if root else None
        fields = target.model_dump(mode="json")
        serves = served_of(reader, name, fields)
        found.append({"target": name, **fields, "root": path, **serves})
    rows = [
        (
            each["target"],
            each["kind"],
            " ".join(each["loaders"]),
            each["root"] or "no path here",
            "" if each["enabled"] else _disabled(each),
        )
        for each in found
    ]
    session.out.answer(
        found, session.out.columns(("TARGET", "KIND", "LOADERS", "ROOT", ""), rows)
    )


def _disabled(fields: dict[str, Any]) -> str:
    if not fields["revision"]:
        return "disabled, serves nothing"
    since = f" since {fields['since']}" if fields["since"] else ""
    return f"disabled, serves {fields['revision']}{since}"


@editing(app, "rm", "kp target rm boot1")
def rm(
    context: typer.Context,
    name: TargetArg,
) -> int:
    """Take a target out of the site."""
    session = session_of(context)
    way = way_of(context, "target rm")
    with tidied(session):
        return edit(session, way, lambda state: targets.remove(state, name))


@editing(
    app, "disable", "kp target disable boot1 -m 'being rebuilt'", exits=(CONFLICT,)
)
def disable(
    context: typer.Context,
    name: TargetArg,
) -> int:
    """Publish to a target no more; what it serves stays as it is."""
    return _enable(context, name, way_of(context, "target disable"))


@editing(app, "enable", "kp target enable boot1")
def enable(
    context: typer.Context,
    name: TargetArg,
) -> int:
    """Publish to a disabled target again."""
    return _enable(context, name, way_of(context, "target enable"))


def _enable(context: typer.Context, name: str, way: Way) -> int:
    wanted = way.op == "target enable"

    def change(state: State) -> None:
        targets.enable(state, name, wanted)

    return edit(session_of(context), way, change)


@verb(app, "adopt", "kp target adopt boot1", exits=(LOCKED,))
def adopt(context: typer.Context, name: TargetArg) -> int:
    """Make a target this site's own, whoever's it was.

    Foreign default files give way; they are kept in the site's `found`.
    """
    session = session_of(context)
    opened = picker(session)
    aside = opened.adopt(name)
    lines = [f"target {name} is this site's", *(f"set aside: {path}" for path in aside)]
    document = {"target": name, "set_aside": aside}
    status = session.finish(Done("it is adopted", OK, document, lines))
    session.out.say(f"next: kp publish {name}")
    return status
