"""A site written out as one document, and read in again."""

import json
from pathlib import Path
from typing import Any

import pytest

from kpstore.edits import objects
from kpstore.errors import InvalidInput, KpError, NotFound
from kpstore.model.keys import Key
from kpstore.model.state import State
from support import sites
from support.sites import SmallSite, call_good, first_import, moving_nodes


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    return sites.make(tmp_path, first_import, call_good, moving_nodes)


def state_of(site: SmallSite) -> State:
    return State(site.picker().view())


def through_json(document: dict[str, Any]) -> dict[str, Any]:
    return objects.read(json.dumps(document).encode())


def test_what_is_exported_and_applied_changes_nothing(site: SmallSite) -> None:
    state = state_of(site)
    document = through_json(objects.written(state))
    assert {text.split("/")[0] for text in document} == {
        *("site", "target", "image", "kernel", "entry", "group", "node")
    }
    objects.put(state, document)
    assert not state.changes


def test_a_site_can_be_made_of_another(site: SmallSite, tmp_path: Path) -> None:
    document = through_json(objects.written(state_of(site)))
    other = tmp_path / "other"
    other.mkdir()
    bare = state_of(sites.make(other))
    del document["site"]
    objects.put(bare, document)
    assert objects.written(bare) == {**document, "site": objects.written(bare)["site"]}


def test_an_image_brings_its_parts_along(site: SmallSite) -> None:
    found = objects.written(
        state_of(site), [Key("image", "gpu"), Key("group", "rack1")]
    )
    assert list(found) == [
        "image/gpu",
        "kernel/gpu/5.4",
        "entry/gpu/run",
        "group/rack1",
    ]


@pytest.mark.parametrize(
    "text",
    [
        "site",
        "target/net",
        "image/web",
        "kernel/web/6.1",
        "entry/web/e",
        "node/n",
        "group/g",
    ],
)
def test_an_object_is_read_as_it_is_written(text: str) -> None:
    assert objects.text_of(objects.key_of(text)) == text


@pytest.mark.parametrize(
    "text",
    ["", "web", "image", "image/", "entry/web", "entry/web/", "entry//e", "site/x",
     "verdict/0", "image/a/b", "node/a/b/c", "Image/web"],
)  # fmt: skip
def test_what_is_no_object(text: str) -> None:
    with pytest.raises(InvalidInput, match="is no object"):
        objects.key_of(text)


@pytest.mark.parametrize(
    ("document", "words"),
    [
        ({"node/n000": {"name": "other"}}, "it is named 'other'"),
        ({"node/n000": {"name": "n000", "mac": "x"}}, "node/n000: unknown key 'mac'"),
        ({"node/N0": {"name": "N0"}}, "node/N0: name"),
        ({"node/n000": 5}, "is no JSON object"),
        ({"image/-x": {"arch": "x86_64"}}, "'-x' is not a name"),
        ({"image/WEB": {"arch": "x86_64"}}, "image web exists"),
        ({"entry/-x/e": {"kernel": "k"}}, "'-x' is not a name"),
        ({"group/g": {"nodes": "n[", "params": []}}, "n["),
        ({"site": None}, "can't be removed"),
        ({"site": {"id": "1" * 32, "name": "x"}}, "is another's"),
        ({"verdict/0": {}}, "is no object"),
    ],
)
def test_what_can_not_be_applied_says_where(
    site: SmallSite, document: dict[str, Any], words: str
) -> None:
    with pytest.raises(KpError) as caught:
        objects.put(state_of(site), document)
    assert words in caught.value.message
    assert caught.value.hint


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "is no JSON"),
        (b"{", "is no JSON"),
        (b"\xff", "is no JSON"),
        (b"[]", "no JSON object"),
        (b'{"site": {}, "site": {}}', "'site' is said twice"),
        (b'{"node/n": {"name": "n", "name": "m"}}', "'name' is said twice"),
        (b"[" * 100_000, "is no JSON"),
    ],
)
def test_what_is_no_document(data: bytes, words: str) -> None:
    with pytest.raises(InvalidInput, match=words):
        objects.read(data)


def test_null_removes(site: SmallSite) -> None:
    state = state_of(site)
    objects.put(state, {"node/n005": None, "group/rack1": None, "node/n077": None})
    removed = {str(key) for key, document in state.changes.items() if document is None}
    assert removed == {"node n005", "group rack1"}
    with pytest.raises(NotFound):
        objects.written(state, [Key("node", "n005")])
    objects.put(state, {"image/gpu": None})
    assert state.names("entry", "gpu") == state.names("kernel", "gpu") == []
