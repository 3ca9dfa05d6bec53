"""Adding a document under a name that must be free."""

from kpstore.errors import Refused
from kpstore.model.documents import Document
from kpstore.model.keys import Key
from kpstore.model.names import check_name
from kpstore.model.state import State


def put_new(state: State, key: Key, document: Document) -> None:
    """Add a document; Refused when its name is taken, by case folding too."""
    check_name(key.name, key.kind)
    for other in state.names(key.kind, key.within):
        if other.casefold() == key.name.casefold():
            raise Refused(
                f"{key.kind} {other} exists in {key.within or 'this site'}",
                hint="choose another name, or change that one",
            )
    state.put(key, document)
