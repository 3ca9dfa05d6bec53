"""A tree of files in memory, for readers of foreign files."""

from collections.abc import Mapping
from pathlib import Path

from kpstore.loaders.tree import LIMIT, Tree


class Files(Tree):
    """Files by path; their folders are there too. `unseen`: nobody looked at them."""

    def __init__(self, files: Mapping[str, bytes | str]) -> None:
        self._files = {
            path: text.encode() if isinstance(text, str) else text
            for path, text in files.items()
        }
        self.unseen = {*self._files}

    def size(self, path: str) -> int | None:
        data = self._look(path)
        return None if data is None else len(data)

    def data(self, path: str, at: int = 0, most: int = LIMIT) -> bytes | None:
        data = self._look(path)
        return None if data is None else data[at : at + most]

    def is_dir(self, path: str) -> bool:
        return bool(self.names(path))

    def names(self, folder: str) -> list[str]:
        start = "".join(f"{part}/" for part in folder.split("/") if part)
        below = (path[len(start) :] for path in self._files if path.startswith(start))
        return sorted({rest.partition("/")[0] for rest in below})

    def _look(self, path: str) -> bytes | None:
        self.unseen.discard(path.strip("/"))
        return self._files.get(path.strip("/"))


def files_in(folder: Path) -> Files:
    """Return what lies in a folder, but for a sample's `says.json`."""
    return Files(
        {
            str(path.relative_to(folder)): path.read_bytes()
            for path in folder.rglob("*")
            if path.is_file() and path != folder / "says.json"
        }
    )
