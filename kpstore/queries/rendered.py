"""What nodes would be served otherwise, as text."""

from kpstore.model.state import State
from kpstore.site.settings import Settings
from kpstore.targets.served_bytes import served_bytes


def rendered_changes(
    settings: Settings, old: State, new: State
) -> list[tuple[str, str, str]]:
    """Return the files that nodes would be served otherwise: name, old, new text.

    An absent file is empty. What this server has of a target says which loader reads.
    """
    before, after = (served_bytes(each, settings.path_of) for each in (old, new))
    return [
        (name, before.get(name, b"").decode(), after.get(name, b"").decode())
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]
