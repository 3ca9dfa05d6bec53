"""A site of several administrators: which group shares it, and which targets.

`shared` in kp.toml names the group. A target is shared where its root, which is the
administrator's, is the group's.
"""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path
from typing import Final

from kpstore.disk import sharing
from kpstore.site.settings import Settings, sharing_group

_OF_A_GROUP: Final = 0o2020  # set-group-id, and the group may write


def declare(root: Path) -> int | None:
    """Have what is made in a site be its group's from now on; return the group.

    None where nobody shares it. Where kp.toml can't be read, the folder itself says it:
    a rollback goes through then, whoever's.
    """
    by_folder = _by_folder(root)
    named = sharing_group(root / "kp.toml", likely=by_folder is not None)
    group = by_folder if named is None else sharing.number_of(named)
    sharing.share(root, group)
    return group


def declare_targets(settings: Settings, group: int | None) -> None:
    """Have what is made on targets be the group's, where their root is."""
    for path in _paths(settings):
        sharing.share(path, group if group is not None and _has(path, group) else None)


def _paths(settings: Settings) -> Iterable[Path]:
    return (*settings.roots.values(), *settings.trees.values())


def _has(path: Path, group: int) -> bool:
    with suppress(OSError):
        return path.stat().st_gid == group
    return False


def _by_folder(root: Path) -> int | None:
    with suppress(OSError):
        found = root.stat()
        if found.st_mode & _OF_A_GROUP == _OF_A_GROUP:
            return found.st_gid
    return None
