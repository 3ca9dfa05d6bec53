"""Where an image can go back to, and what going back changes besides it."""

from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import NamedTuple

from kpstore.errors import CorruptState, KpError, NotFound, Refused
from kpstore.health.verdicts import bad_verdict, is_good
from kpstore.model.boot import boot_of, default_boot
from kpstore.model.documents import Document, Node
from kpstore.model.keys import Key
from kpstore.model.state import Documents, State
from kpstore.model.templates import next_entry
from kpstore.model.validation import replace


class Earlier(NamedTuple):
    """An earlier state of an image that can be gone back to."""

    revision: str
    documents: Documents


def serves(then: Documents, away: Mapping[str, str], tree_of: str | None) -> bool:
    """Tell whether a target that serves `then` serves a payload that is left.

    `away`: image -> payload; `tree_of` is the image of an image tree.
    """
    for image, payload in away.items():
        if tree_of not in (None, image):
            continue
        boot = default_boot(then, image)
        if boot and boot.payload.id == payload:
            return True
    return False


def choose(
    today: State,
    image: str,
    history: Iterable[tuple[str, Documents]],
    missing_artifacts: Callable[[Documents], list[str]],
) -> Earlier:
    """Return the newest known-good state that differs from today's default.

    `history` gives revision and documents of the commits that touched the image, the
    newest first. What is chosen has all of the image's files: its tree lists every
    entry. Refused, saying why each good one was passed over, when there is none.
    """
    now = default_boot(today, image)
    passed: list[str] = []
    for revision, documents in history:
        try:
            boot = default_boot(documents, image)
            if boot is None or (now and boot.payload.id == now.payload.id):
                continue
            if not is_good(today, boot.payload):
                continue
            gone = missing_artifacts(documents)
            restore_image(today, image, documents)
        except CorruptState as error:
            passed.append(f"{revision} can't be read: {error.message}")
            continue
        if not gone:
            return Earlier(revision, documents)
        passed.append(f"{revision} lacks {', '.join(gone)}")
    raise Refused(
        f"image {image} has no earlier known-good state to go back to"
        + (f" ({'; '.join(passed)})" if passed else ""),
        hint=f"kp log --image {image}, then kp rollback {image} --to REV",
    )


def image_keys(documents: Documents, image: str) -> Iterator[Key]:
    """Yield the keys of an image's subtree."""
    if documents.get(Key("image", image)) is not None:
        yield Key("image", image)
    for name in documents.names("entry", image):
        yield Key("entry", name, image)
    for name in documents.names("kernel", image):
        yield Key("kernel", name, image)


def restore_image(
    today: State, image: str, earlier: Documents
) -> dict[Key, Document | None]:
    """Return the changes that give an image its earlier subtree back.

    NotFound when the image did not exist then.
    """
    if earlier.get(Key("image", image)) is None:
        raise NotFound(
            f"image {image} did not exist then",
            hint=f"kp log --image {image} shows when it did",
        )
    wanted = {key: earlier.get(key) for key in image_keys(earlier, image)}
    gone: dict[Key, Document | None] = {
        key: None for key in image_keys(today, image) if key not in wanted
    }
    return {**gone, **wanted}


def clear_overrides(state: State, image: str, nodes: Iterable[Node]) -> list[str]:
    """End the next boots into the image that are missing or bad; return whose."""
    cleared = []
    for node in nodes:
        if node.next is None:
            continue
        other, entry = next_entry(node.next.entry, node.image)
        if other == image and not _bootable(state, image, entry):
            ended = replace(node, {"next": None}, f"node {node.name}")
            state.put(Key("node", node.name), ended)
            cleared.append(node.name)
    return cleared


def _bootable(state: State, image: str, entry: str) -> bool:
    try:
        boot = boot_of(state, image, entry)
    except KpError:
        return False
    return bad_verdict(state, boot.payload) is None
