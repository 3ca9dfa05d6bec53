"""A store that only weighs what it is given: for dry runs, which write nothing."""

import hashlib
import os
import stat
from collections.abc import Iterable
from pathlib import Path

from kpstore.artifacts.store import ArtifactStore, Progress, StoredRef
from kpstore.disk.streams import pieces
from kpstore.errors import InvalidInput


class WeighingStore(ArtifactStore):
    """What is added is hashed and dropped; `weighed`, which several may share, has it.

    Everything that is in the store already is read from there.
    """

    def __init__(self, root: Path, weighed: set[str]) -> None:
        super().__init__(root)
        self._weighed = weighed

    def adopt(
        self, source: int, name: str, progress: Progress | None = None
    ) -> StoredRef:
        """Weigh an open regular file; InvalidInput as the store says it."""
        found = os.fstat(source)
        if not stat.S_ISREG(found.st_mode):
            raise InvalidInput(
                f"{name} is not a regular file", hint="give the file itself"
            )
        return self.add_stream(pieces(source), progress, name=name)

    def add_stream(
        self,
        chunks: Iterable[bytes],
        progress: Progress | None = None,
        *,
        name: str = "the stream",
    ) -> StoredRef:
        """Weigh bytes as they come, in constant memory; InvalidInput when empty."""
        digest, size = hashlib.sha256(), 0
        for data in chunks:
            digest.update(data)
            size += len(data)
            if progress:
                progress(len(data))
        if not size:
            raise InvalidInput(
                f"{name} is empty: no kernel, initrd or archive is",
                hint="was it cut short? make it anew",
            )
        self._weighed.add(digest.hexdigest())
        return StoredRef(digest.hexdigest(), size)

    def has(self, sha256: str, size: int | None = None) -> bool:
        """Tell whether the artifact is here, or was weighed."""
        return sha256 in self._weighed or super().has(sha256, size)
