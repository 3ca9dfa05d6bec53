"""Paths of this server, kept in kp.toml beside the versioned documents."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from kpcmd.context import Session
from kpcmd.opening import picker
from kpstore.errors import Refused
from kpstore.site.reader import SiteReader
from kpstore.site.settings import Settings, load, save

Table = Literal["roots", "trees"]


@contextmanager
def kept_path(
    session: Session,
    table: Table,
    name: str,
    path: Path | None,
    *,
    dry_run: bool = False,
) -> Iterator[None]:
    """Write a path into kp.toml for the block; as it was when nothing comes of it.

    The block's commit publishes there already, so kp.toml comes first.
    """
    if path is None or dry_run:
        yield
        return
    site = picker(session).site
    _refuse_site(site.root, path)
    _refuse_other(site.settings, table, name, path.absolute())
    before = put_path(session, table, name, path.absolute())
    try:
        yield
    except BaseException:
        if session.done is None:
            put_path(session, table, name, before)
        raise


@contextmanager
def tidied(session: Session) -> Iterator[None]:
    """Take out of kp.toml the paths of what the block takes out of the site.

    A drafted target has its path there at once; with the draft it goes again. Paths
    that a person wrote, of what isn't there yet, stay.
    """
    main, drafted = SiteReader(session.root).placed()
    yield
    main_now, drafted_now = SiteReader(session.root).placed()
    # A draft that began before the block holds what main held then.
    gone = (main | drafted) - main_now - (drafted_now - main)
    settings = load(session.root / "kp.toml")
    tables: tuple[Table, ...] = ("roots", "trees")
    for table in tables:
        for name in getattr(settings, table):
            if (table, name) in gone:
                put_path(session, table, name, None)


def _refuse_other(settings: Settings, table: Table, name: str, path: Path) -> None:
    """Keep a tree where it is: what is published there would be left behind."""
    before = settings.trees.get(name, path) if table == "trees" else path
    if before.resolve() != path.resolve():
        raise Refused(
            f"the tree of image {name} is {before} on this server",
            hint="if it has moved, say so in kp.toml",
        )


def _refuse_site(site: Path, path: Path) -> None:
    """Keep what is served apart from the site: nodes read all of a TFTP root."""
    ours, wanted = site.resolve(), path.resolve()
    if ours.is_relative_to(wanted) or wanted.is_relative_to(ours):
        raise Refused(
            f"{path} and the site {site} lie one in the other",
            hint="give the target a directory of its own",
        )


def put_path(
    session: Session, table: Table, name: str, path: Path | None
) -> Path | None:
    """Set one path under the site's lock, or take it out; return what was there."""
    opened = picker(session)
    file = opened.site.root / "kp.toml"
    with opened.writing():
        settings = load(file)
        paths = dict(getattr(settings, table))
        before: Path | None = paths.pop(name, None)
        if path is not None:
            paths[name] = path
        if path != before:
            save(file, _with(settings, table, paths))
    return before


def _with(settings: Settings, table: Table, paths: dict[str, Path]) -> Settings:
    if table == "roots":
        return settings._replace(roots=paths)
    return settings._replace(trees=paths)
