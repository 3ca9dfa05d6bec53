"""What each target held when it was last seen: `seen/<target>.json`, durable.

A sweep asks it of targets that can't be asked: not mounted, wiped, unreadable. It is
written before a target is switched, so it never says less than the target holds.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kpstore.disk.durable import Batch, make_directories, remove, sync_directory
from kpstore.errors import CorruptState, disk_failures
from kpstore.targets.values import Held

_MODE = 0o640


class SeenTargets:
    """The records below `folder`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def names(self) -> list[str]:
        """Return the targets that there is a record of, removed ones too."""
        return sorted(path.stem for path in self._folder.glob("*.json"))

    @disk_failures("reading what a target held")
    def read(self, target: str) -> Held | None:
        """Return what a target held; None without a record, CorruptState if damaged."""
        path = self._path(target)
        try:
            return _decoded(json.loads(path.read_bytes()))
        except FileNotFoundError:
            return None
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            raise CorruptState(
                f"{path} can't be read: {error}",
                hint=f"with target {target} in its place, any commit writes it anew",
            ) from error

    @disk_failures("noting what targets hold")
    def write(self, held: Mapping[str, Held]) -> None:
        """Note what targets hold, durably; what is noted already is left."""
        changed = {
            name: each for name, each in held.items() if self._differs(name, each)
        }
        if not changed:
            return
        make_directories(self._folder, mode=0o750)
        with Batch() as batch:
            for name, each in changed.items():
                batch.file(self._path(name), _encoded(each), mode=_MODE)
            batch.commit()

    @disk_failures("forgetting a target")
    def forget(self, target: str) -> None:
        """Drop a record: the target holds nothing of kp's any more."""
        if self._path(target).exists():
            remove(self._path(target))
            sync_directory(self._folder)

    def _differs(self, target: str, held: Held) -> bool:
        try:
            return self.read(target) != held
        except CorruptState:
            return True

    def _path(self, target: str) -> Path:
        return self._folder / f"{target}.json"


def _encoded(held: Held) -> bytes:
    document = {
        "generations": [list(each) for each in held.generations],
        "objects": list(held.objects),
        "originals": dict(held.originals),
    }
    return f"{json.dumps(document, indent=2, sort_keys=True)}\n".encode()


def _decoded(found: dict[str, Any]) -> Held:
    return Held(
        tuple((int(number), str(commit)) for number, commit in found["generations"]),
        tuple(map(str, found["objects"])),
        {str(path): str(sha256) for path, sha256 in found["originals"].items()},
    )
