"""The artifacts that main names."""

from collections.abc import Iterator

from kpstore.errors import CorruptState
from kpstore.model.documents import KernelConfig
from kpstore.model.keys import Key
from kpstore.queries.doctor.contract import Advice, Visit
from kpstore.queries.doctor.damaged_main import artifact_back


def artifacts(visit: Visit) -> Iterator[Advice]:
    """See whether the store has them; their bytes, too, where that is wanted."""
    main = visit.site.main()
    kernels = [
        (f"kernel {image}/{name}", main.get(Key("kernel", name, image)))
        for image in main.names("image")
        for name in main.names("kernel", image)
    ]
    refs = {
        ref: where
        for where, kernel in kernels
        if isinstance(kernel, KernelConfig)
        for ref in kernel.artifacts.refs()
    }
    for ref, where in refs.items():
        yield from _artifact(visit, where, ref.sha256, ref.size)
    yield Advice("artifacts", "ok", f"main names {len(refs)}")


def _artifact(visit: Visit, where: str, sha256: str, size: int) -> Iterator[Advice]:
    store = visit.site.artifacts
    again = "kp kernel add --replace with its files"
    mend = f"{artifact_back(visit.site, sha256)}; or {again}"
    if not store.has(sha256, size):
        yield Advice("artifacts", "bad", f"{where}: {sha256} is missing", mend)
    elif visit.deep:
        try:
            store.verify(sha256)
        except CorruptState as error:
            yield Advice("artifacts", "bad", f"{where}: {error.message}", mend)
