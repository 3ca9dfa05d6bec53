"""Paths of this server, kept in kp.toml beside the versioned documents."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from kpcmd.context import Session
from kpcmd.picking import picker
from kpstore.errors import Refused
from kpstore.settings import Settings, load, save

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
    """Write a path into kp.toml for the block; as it was when the block fails.

    The block's commit publishes there already, so kp.toml comes first.
    """
    if path is None or dry_run:
        yield
        return
    _refuse_site(picker(session).site.root, path)
    before = put_path(session, table, name, path.absolute())
    try:
        yield
    except BaseException:
        put_path(session, table, name, before)
        raise


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


def _with(settings: Settings, table: str, paths: dict[str, Path]) -> Settings:
    return settings._replace(**{table: paths})
