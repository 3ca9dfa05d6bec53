"""Where an image tree keeps what its loaders' files name, and how they ask for it."""

from kpstore.loaders.boot_menu import File, files_of
from kpstore.model.boot import Boot
from kpstore.targets.tree.layout import HOME
from kpstore.targets.values import ObjectFile


def place(file: File) -> str:
    """Return the path below the tree's root: `boot/kp/<sha256[:12]>/<name>`."""
    return f"{HOME}/{file.sha256[:12]}/{file.name}"


def objects(boot: Boot) -> list[ObjectFile]:
    """Return the artifacts that a boot's entry names, where they lie."""
    return [ObjectFile(file.sha256, file.size, place(file)) for file in files_of(boot)]


def seen(boot: Boot) -> dict[File, str]:
    """Return the absolute paths by which a loader asks for a boot's files."""
    return {file: f"/{place(file)}" for file in files_of(boot)}
