"""One commit, shown: its first documents, and the others counted without a look."""

from collections import Counter

import pytest

from kpstore.history.snapshot import Snapshot, diff
from kpstore.model.keys import Key
from kpstore.queries.diff import Shown
from support import sites
from support.sites import SmallSite, first_import, second_kernel


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> SmallSite:
    where = tmp_path_factory.mktemp("shown")
    return sites.make(where, first_import, second_kernel, sites.moving_nodes)


def shown(site: SmallSite, rev: str) -> Shown:
    return site.picker().show(rev)


@pytest.mark.parametrize("rev", ["r1", "r2", "r3", "r4"])
@pytest.mark.parametrize("most", [1, 3, 1000])
def test_the_first_documents_and_how_many_there_are(
    site: SmallSite, rev: str, most: int
):
    found = shown(site, rev)
    whole = sorted(diff(found.before, found.after))
    keys, counts = found.first(most)
    assert keys == whole[:most]
    assert counts == Counter(key.kind for key in whole)
    fields = [change for key in whole for change in found.fields(key)]
    assert fields == found.changes


def test_documents_that_are_counted_are_not_read(
    site: SmallSite, monkeypatch: pytest.MonkeyPatch
):
    def refuse(_: Snapshot, key: Key) -> None:
        pytest.fail(f"{key} is read")

    found = shown(site, "r2")
    monkeypatch.setattr(Snapshot, "get", refuse)
    keys, counts = found.first(2)
    assert len(keys) == 2
    assert counts["node"] > 2
