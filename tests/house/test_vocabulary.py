"""The model's word list and what there is code for agree."""

from typing import get_args

from kpstore.loaders import registry
from kpstore.loaders.lookup import LOOKUPS
from kpstore.model.vocabulary import (
    LOADERS,
    OF_AN_IMAGE,
    WRITTEN,
    Loader,
)
from kpstore.targets.observers import OBSERVERS


def test_each_kind_has_its_loaders():
    assert set(LOADERS) == set(WRITTEN) == set(OBSERVERS)
    assert set().union(*LOADERS.values()) == set(get_args(Loader))
    assert set(LOADERS) > OF_AN_IMAGE


def test_the_loaders_that_are_written_are_those_of_the_vocabulary():
    written = {kind: set(loaders) for kind, loaders in WRITTEN.items()}
    assert written == {"tftp": set(registry.NETWORK), "image": set(registry.DISK)}
    assert tuple(LOOKUPS) == WRITTEN["tftp"]
    assert all(written[kind] <= LOADERS[kind] for kind in LOADERS)
