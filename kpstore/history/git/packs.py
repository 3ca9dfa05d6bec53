"""Packs: many objects in one file, found by its index (gitformat-pack(5)).

With `repository` the only user of dulwich; errors of reading leave it raw and are
mapped there. dulwich.pack is imported where a pack is met: most reads need none, and
it would be half of the start-up cost of `kp status`.
"""

from collections.abc import Iterable, Iterator
from contextlib import suppress
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from weakref import finalize

from dulwich.object_format import SHA1
from dulwich.objects import ObjectID, ShaFile

from kpstore.disk.durable import Batch
from kpstore.disk.streams import sync_file
from kpstore.errors import CorruptState
from kpstore.history.git.sizes import check_packed

if TYPE_CHECKING:
    from dulwich.pack import Pack


class Packs:
    """The packs of a repository, opened when they are first needed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._open: dict[str, Pack] = {}
        self._durable: set[str] = set()
        self._weighed: dict[str, set[int]] = {}
        finalize(self, _close, self._open)

    def close(self) -> None:
        """Close the files; the next read opens them again."""
        _close(self._open)

    def read(self, oid: str) -> tuple[int, bytes] | None:
        """Return git's number of the object's type, and its bytes; None if not here."""
        name = self._with(oid)
        if name is None:
            return None
        from dulwich.pack import PackFileDisappeared  # noqa: PLC0415  # see above

        pack = self._open[name]
        try:
            check_packed(
                self._files(name)[0],
                oid,
                lambda each: pack.index.object_offset(_id(each)),
                self._weighed.setdefault(name, set()),
            )
            return pack.get_raw(_id(oid))
        except (
            PackFileDisappeared,
            FileNotFoundError,
        ):  # `git gc` has just put another in its place
            return self.read(oid) if self._scan() else None

    def make_durable(self, oid: str) -> bool:
        """Sync the pack that has an object; False when it is in none any more.

        Its writer may have been killed, or may be a git that syncs nothing.
        """
        self._scan()  # an open pack can be read after `git gc` has removed it
        name = self._with(oid)
        if name is None:
            return False
        if name not in self._durable:
            for path in self._files(name):
                sync_file(path)
            self._durable.add(name)
        return True

    def write(self, objects: Iterable[ShaFile]) -> None:
        """Write one pack with its index, durably, and read both back."""
        from dulwich.pack import (  # noqa: PLC0415  # start-up cost: see above
            write_pack_index_v2,
            write_pack_objects,
        )

        pack, index = BytesIO(), BytesIO()
        pairs = [(made, None) for made in objects]
        entries, checksum = write_pack_objects(
            pack, pairs, SHA1, deltify=False, compression_level=1
        )
        lines = sorted((name, *where) for name, where in entries.items())
        write_pack_index_v2(index, lines, checksum)
        name = f"pack-{checksum.hex()}"
        with Batch() as batch:
            for path, data in zip(self._files(name), (pack, index), strict=True):
                batch.file(path, data.getvalue(), mode=0o444)
            batch.commit()
        self._check(name, entries)

    def _check(self, name: str, entries: Iterable[bytes]) -> None:
        self._scan()
        pack = self._open[name]
        pack.index.check()
        pack.data.check()
        for entry in entries:
            pack.index.object_offset(ObjectID(entry))
        self._durable.add(name)

    def _files(self, name: str) -> tuple[Path, Path]:
        return self._folder / f"{name}.pack", self._folder / f"{name}.idx"

    def _with(self, oid: str) -> str | None:
        """Return the pack that has an object; look for new ones before saying no."""
        found = self._known(oid)
        if found is None and self._scan():
            found = self._known(oid)
        return found

    def _known(self, oid: str) -> str | None:
        for name, pack in self._open.items():
            try:
                pack.index.object_offset(_id(oid))
            except KeyError:
                continue
            return name
        return None

    def _scan(self) -> bool:
        """Look at the packs there are; tell whether that changed anything.

        Those that `git gc` replaced are forgotten.
        """
        names = _names(self._folder)
        if names == self._open.keys():
            return False
        from dulwich.pack import Pack  # noqa: PLC0415  # start-up cost: see above

        for gone in self._open.keys() - names:
            self._open.pop(gone).close()
            self._weighed.pop(gone, None)
        for name in names - self._open.keys():
            stem = str(self._folder / name)
            for path in self._files(name):
                if not path.is_file():  # a FIFO would be waited for
                    raise CorruptState(f"{path} is not a file", hint="kp doctor")
            self._open[name] = Pack(stem, object_format=SHA1)
        return True


class Unsound(NamedTuple):
    """A pack that can't be read; `has_all`: but for its index, which it can give."""

    file: Path
    problem: str
    has_all: bool = False


def unsound(folder: Path) -> Iterator[Unsound]:
    """Read every pack through; yield those that are damaged or lack a part."""
    paths = sorted(folder.iterdir()) if folder.is_dir() else []
    stems = {path.stem for path in paths if path.suffix in (".pack", ".idx")}
    for stem in sorted(stems):
        pack, index = folder / f"{stem}.pack", folder / f"{stem}.idx"
        if problem := _data_problem(pack):
            present = pack.exists() or pack.is_symlink()
            yield Unsound(pack if present else index, problem)
        elif problem := _index_problem(pack):
            yield Unsound(pack, problem, has_all=True)


def _data_problem(path: Path) -> str:
    from dulwich.pack import PackData  # noqa: PLC0415  # start-up cost: see above

    if not path.is_file():
        return f"{path} is missing, or no file"
    try:
        with PackData(str(path), object_format=SHA1) as data:
            data.check()
    except Exception as error:  # see `repository`: damage has many classes
        return f"{path} is damaged: {type(error).__name__} {error}"
    return ""


def _index_problem(pack: Path) -> str:
    from dulwich.pack import Pack  # noqa: PLC0415  # start-up cost: see above

    index = pack.with_suffix(".idx")
    if not index.is_file():
        return f"{index} is missing, or no file"
    try:
        with Pack(str(pack.with_suffix("")), object_format=SHA1) as opened:
            opened.index.check()
            opened.check_length_and_checksum()
    except Exception as error:  # as above
        return f"{index} is damaged: {type(error).__name__} {error}"
    return ""


def _id(oid: str) -> ObjectID:
    return ObjectID(oid.encode())


def _close(packs: "dict[str, Pack]") -> None:
    for pack in packs.values():
        with suppress(BufferError):  # the traceback of a damaged object holds a view
            pack.close()
    packs.clear()


def _names(folder: Path) -> set[str]:
    names = {path.name for path in folder.iterdir()} if folder.is_dir() else set()
    indexes = {name.removesuffix(".idx") for name in names if name.endswith(".idx")}
    return {name for name in indexes if f"{name}.pack" in names}
