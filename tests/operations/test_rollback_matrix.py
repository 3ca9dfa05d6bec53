"""The way back is never refused: `kp rollback` beside everything that can be broken.

It stops only where the state, or its bytes, do not exist.
"""

import os
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from kpstore.disk.processes import boot_id
from kpstore.edits import entries, groups, images
from kpstore.errors import NotFound, Refused
from kpstore.history import codec, drafts
from kpstore.model.documents import NextBoot, Rollout, Verdict
from kpstore.model.keys import MODELS, Key
from kpstore.model.state import State
from kpstore.operations.outcome import Outcome
from kpstore.operations.rollback import Rollback
from support import sites
from support.sites import SmallSite, call_good, first_import, name, second_kernel

Break = Callable[[SmallSite], object]

WEB = Rollback(("web",))


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> SmallSite:
    """A site whose image web was good on 6.1 (r2) and boots 6.2 since (r4)."""
    where = tmp_path_factory.mktemp("matrix")
    return sites.make(where, first_import, call_good, second_kernel)


@pytest.fixture
def site(before: SmallSite, tmp_path: Path) -> SmallSite:
    shutil.copytree(before.where, tmp_path, symlinks=True, dirs_exist_ok=True)
    site = replace(before, where=tmp_path, told=[])
    site.save_paths()
    return site


def menu(site: SmallSite, number: int) -> str:
    mac = sites.mac(number).replace(":", "-")
    return (site.tftp / f"pxelinux.cfg/01-{mac}").read_text()


def notes(outcome: Outcome) -> str:
    return "\n".join([*outcome.notes, *outcome.warnings])


# --- what is broken


def planted(change: Callable[[State], object]) -> Break:
    """Break main as no verb of today would."""
    return lambda site: sites.plant(site.picker(), change)


def fields(key: Key, **values: object) -> Callable[[State], object]:
    def change(state: State) -> None:
        known = state.get(key)
        model = MODELS[key.kind]
        state.put(key, model.model_validate({**dict(known or {}), **values}))

    return change


def each(*changes: Callable[[Any], object]) -> Callable[[Any], object]:
    return lambda given: [change(given) for change in changes]


def node(number: int, **values: object) -> Callable[[State], object]:
    key = Key("node", name(number))
    return fields(key, name=name(number), **values)


def gone(*keys: Key) -> Callable[[State], object]:
    return lambda state: [state.drop(key) for key in keys]


def other_image_goes(state: State) -> None:
    """Nodes 4 and 5 are of it."""
    images.remove(state, "gpu")


def hidden(state: State) -> None:
    """Its next boot into web ends by the rollback: what it is of is gone."""
    images.remove(state, "gpu")
    node(4, next=NextBoot(entry="web/next"))(state)


def twins(state: State) -> None:
    node(1, macs=(sites.mac(0),), index=0)(state)


def rule(**values: object) -> Callable[[State], object]:
    return fields(Key("site"), **values)


def tie(state: State) -> None:
    groups.add(state, "rack2", {"nodes": "n[000-005]", "params": ("console=tty9",)})
    rule(params_table=1, repeatable=())(state)


MANY = tuple(f"key{number}={'x' * 150}" for number in range(20))
NEVER = Verdict(
    verdict="good",
    by="ann",
    since="2033-05-18T00:00:00Z",
    revision="r999",
    kin="0" * 32,
    images={"gone": "r999", "web": "r999"},
)


def bytes_at(path: str, data: bytes) -> Break:
    def change(site: SmallSite) -> None:
        (site.root / path).write_bytes(data)

    return change


def folder_at(path: str) -> Break:
    def change(site: SmallSite) -> None:
        (site.root / path).unlink(missing_ok=True)
        (site.root / path).mkdir()

    return change


def without_cache(site: SmallSite) -> None:
    shutil.rmtree(site.root / "cache")


def cache_is_a_file(site: SmallSite) -> None:
    without_cache(site)
    (site.root / "cache").write_bytes(b"")


def index_of_yesterday(site: SmallSite) -> None:
    index = site.root / "cache/index.db"
    data = index.read_bytes()
    sites.small_edit(site.picker())
    index.write_bytes(data)


def index_with_a_damaged_page(site: SmallSite) -> None:
    index = site.root / "cache/index.db"
    data = bytearray(index.read_bytes())
    for at in range(4096 + 8, len(data), 512):
        data[at : at + 64] = b"\xff" * 64
    index.write_bytes(data)


def half_a_draft(site: SmallSite) -> None:
    with site.picker().edit() as edit:
        images.change(edit.state, "web", {"params": ("root=/dev/half",)})


def draft_that_is_no_commit(site: SmallSite) -> None:
    ref = site.root / "state.git" / drafts.ref_of(site.user)
    ref.parent.mkdir(parents=True, exist_ok=True)
    ref.write_bytes(b"not even hex\n")


def draft_of_nothing(site: SmallSite) -> None:
    ref = site.root / "state.git" / drafts.ref_of("bob")
    ref.parent.mkdir(parents=True, exist_ok=True)
    ref.write_bytes(b"0123456789" * 4 + b"\n")


def lost_artifact(image: str, release: str) -> Break:
    def change(site: SmallSite) -> None:
        picker = site.picker()
        kernel = picker.view().kernel(image, release)
        for ref in kernel.artifacts.refs():
            picker.site.artifacts.path(ref.sha256).unlink()

    return change


def damaged_between(site: SmallSite) -> None:
    """A commit between today and what is good can't be read any more."""
    with site.picker().edit("soon gone") as edit:
        entries.change(edit.state, "web", "next", {}, add_params=("soon=gone",))
    entry = site.picker().view().entry("web", "next")
    path = codec.path_of(Key("entry", "next", "web"))
    repository = site.picker().site.repository
    found = repository.lookup(repository.commit(site.picker().site.tip()).tree, path)
    assert found
    assert entry
    with site.picker().edit("and again") as edit:
        entries.change(edit.state, "web", "next", {}, remove_params=("soon",))
    blob = site.root / "state.git/objects" / found.id[:2] / found.id[2:]
    blob.chmod(0o600)
    blob.write_bytes(b"damaged")


def killed_writer(site: SmallSite) -> None:
    (site.root / "lock").write_text("bob on head: kp commit (pid 4194000)\n")
    lock = site.root / "state.git/refs/heads/main.lock"
    lock.symlink_to(f"kp {boot_id()} 4194000.1 head")


def lagging(change: Break) -> Break:
    """Break it while the TFTP root is away, and main moves on: all is drawn anew."""

    def broken(site: SmallSite) -> None:
        away = site.where / "tftp-away"
        site.tftp.rename(away)
        sites.small_edit(site.picker())
        change(site)
        away.rename(site.tftp)

    return broken


def theirs_at_a_node(site: SmallSite) -> None:
    entry = site.tftp / f"pxelinux.cfg/01-{sites.mac(5).replace(':', '-')}"
    entry.unlink()
    entry.write_bytes(b"DEFAULT theirs")


def lapsed(site: SmallSite) -> None:
    """The TFTP root says no more what it serves."""
    state = site.tftp / "kp" / os.readlink(site.tftp / "kp/live") / "STATE"
    state.write_bytes(b"{}")


def xen_elsewhere(site: SmallSite) -> None:
    """What no loader can draw yet, in use by another image's nodes."""
    known = site.picker().view().kernel("gpu", "5.4")
    xen = {**dict(known), "kind": "xen"}
    sites.plant(
        site.picker(),
        each(
            fields(Key("kernel", "xen", "gpu"), **xen),
            fields(Key("entry", "run", "gpu"), xen={"kernel": "xen"}),
        ),
    )


def tree_is_away(site: SmallSite) -> None:
    site.tree.rename(site.where / "away")


def settings_with_more(site: SmallSite) -> None:
    toml = (site.root / "kp.toml").read_text()
    (site.root / "kp.toml").write_text(
        toml.replace("[roots]", '[roots]\n"never" = "/nowhere"')
    )


BROKEN: dict[str, Break] = {
    "nothing": lambda _: None,
    # other documents
    "another image dangles: kernel": planted(gone(Key("kernel", "5.4", "gpu"))),
    "another image dangles: entry": planted(gone(Key("entry", "run", "gpu"))),
    "another image dangles: image": planted(gone(Key("image", "gpu"))),
    "another image is gone": planted(other_image_goes),
    "another image is gone, its node boots this one": planted(hidden),
    "a node's image never was": planted(node(4, image="never")),
    "a node's next boot dangles": planted(node(4, next=NextBoot(entry="never/x"))),
    "a node's next boot has no image": planted(
        node(4, image=None, next=NextBoot(entry="x"))
    ),
    "this image's node lacks a variable": planted(
        each(
            fields(Key("image", "web"), params=("rack={node.var.rack}",)),
        )
    ),
    "a group names none": planted(
        fields(Key("group", "rack1"), nodes="n[000-001],@never")
    ),
    "a group that can't be read": planted(fields(Key("group", "rack1"), nodes="n[0-")),
    "groups in a circle": planted(
        each(
            fields(Key("group", "rack1"), nodes="@rack2"),
            fields(Key("group", "rack2"), nodes="@rack1", params=("x=1",)),
        )
    ),
    "a tie": planted(tie),
    "two nodes of one MAC": planted(twins),
    "parameters merge otherwise": planted(rule(params_append=("quiet", "root"))),
    "more good payloads kept": planted(
        rule(retention={"generations": 1, "known_good": 1, "grace": 0})
    ),
    "this image's lines are too long": planted(
        fields(Key("image", "web"), params=MANY)
    ),
    "another image's lines are too long": planted(
        fields(Key("image", "gpu"), params=MANY)
    ),
    "a target of an image that is gone": planted(
        fields(Key("target", "x"), kind="image", loaders=("grub",), image="never")
    ),
    "two targets of a tree": planted(
        fields(Key("target", "x"), kind="image", loaders=("grub",), image="web")
    ),
    "this image dangles: kernel": planted(gone(Key("kernel", "6.2", "web"))),
    "this image dangles: entry": planted(gone(Key("entry", "next", "web"))),
    "this image dangles: image": planted(gone(Key("image", "web"))),
    "a rollout": planted(fields(Key("rollout", "web"), entry="next")),
    "a rollout of nothing": planted(
        each(
            lambda state: state.put(Key("rollout", "web"), Rollout(entry="never")),
            lambda state: state.put(Key("rollout", "never"), Rollout(entry="x")),
        )
    ),
    "a verdict of what never was": planted(
        lambda state: state.put(Key("verdict", "f" * 32), NEVER)
    ),
    "a loader can't draw another image": lagging(xen_elsewhere),
    "another image dangles, all is drawn anew": lagging(
        planted(gone(Key("kernel", "5.4", "gpu")))
    ),
    "another image is gone, all is drawn anew": lagging(planted(other_image_goes)),
    "a group that can't be read, all is drawn anew": lagging(
        planted(fields(Key("group", "rack1"), nodes="n[0-"))
    ),
    # drafts
    "my draft is half done": half_a_draft,
    "my draft is no commit": draft_that_is_no_commit,
    "another's draft is nothing": draft_of_nothing,
    # bytes
    "another image's kernel is lost": lost_artifact("gpu", "5.4"),
    "today's kernel is lost": lost_artifact("web", "6.2"),
    "another image's kernel is lost, all is drawn anew": lagging(
        lost_artifact("gpu", "5.4")
    ),
    "a commit between can't be read": damaged_between,
    # the site's own files
    "no index": without_cache,
    "no place for an index": cache_is_a_file,
    "the index is no database": bytes_at("cache/index.db", b"not a database" * 400),
    "the index is empty": bytes_at("cache/index.db", b""),
    "the index is a folder": folder_at("cache/index.db"),
    "the index is of yesterday": index_of_yesterday,
    "the index has a damaged page": index_with_a_damaged_page,
    "a writer was killed": killed_writer,
    "the TFTP root does not say what it serves": lapsed,
    "kp.toml has rows of nothing": settings_with_more,
}


@pytest.mark.parametrize("broken", BROKEN)
def test_it_reaches_the_nodes_whatever_is_broken(site: SmallSite, broken: str) -> None:
    BROKEN[broken](site)
    outcome = site.picker().rollback(WEB)
    assert outcome.revision
    state = site.picker().view("HEAD")
    assert state.image("web").default == "production"
    assert "kp: web/production" in menu(site, 2)
    assert "web/production" in (site.tree / "boot/grub/grub.cfg").read_text()
    conditions = {t.name: t.condition for t in outcome.targets if t.name != "x"}
    assert conditions == {"net": "live", "disk": "live"}


@pytest.mark.parametrize("broken", BROKEN)
def test_what_is_served_then_is_what_was_committed(
    site: SmallSite, broken: str
) -> None:
    BROKEN[broken](site)
    site.picker().rollback(WEB)
    for verified in site.picker().verify(deep=True):
        if verified.name != "x":
            assert verified.drift == []


@pytest.mark.parametrize("anew", [False, True])
def test_a_foreign_file_in_another_node_s_place_stops_nobody(
    site: SmallSite, anew: bool
) -> None:
    if anew:
        lagging(lambda _: None)(site)
    theirs_at_a_node(site)
    site.picker().rollback(WEB)
    assert "kp: web/production" in menu(site, 2)


def test_a_tree_that_is_away_goes_back_when_it_is_there(site: SmallSite) -> None:
    tree_is_away(site)
    outcome = site.picker().rollback(WEB)
    assert [target.name for target in outcome.behind] == ["disk"]
    assert "kp: web/production" in menu(site, 2)


# --- where it stops


def test_where_it_stops(site: SmallSite) -> None:
    with pytest.raises(NotFound, match="web did not exist then"):
        site.picker().rollback(replace(WEB, to="r1"))
    with pytest.raises(NotFound, match="no image 'never'"):
        site.picker().rollback(Rollback(("never",)))
    with pytest.raises(NotFound, match="r77"):
        site.picker().rollback(replace(WEB, to="r77"))
    with pytest.raises(NotFound, match="r77"):
        site.picker().rollback(Rollback(to="r77"))
    lost_artifact("web", "6.1")(site)
    with pytest.raises(Refused, match="has lost its files"):
        site.picker().rollback(replace(WEB, to="r2"))
    with pytest.raises(Refused, match="no earlier known-good state"):
        site.picker().rollback(WEB)


# --- every image


def another_good_one(site: SmallSite) -> None:
    site.picker().judge("good", [("gpu", None, None)], "it runs")
    with site.picker().edit("gpu, too") as edit:
        entries.change(edit.state, "gpu", "run", {}, add_params=("x=1",))


def test_of_all_images_one_that_can_not_stops_no_other(site: SmallSite) -> None:
    outcome = site.picker().rollback(Rollback())
    assert outcome.revision == "r5"
    assert "image gpu stays as it is: image gpu has no earlier" in notes(outcome)
    assert "kp: web/production" in menu(site, 2)
    assert site.picker().site.record(outcome.commit).subject == "roll back web to r2"


def test_all_images_to_a_day_when_one_was_not_there(site: SmallSite) -> None:
    with site.picker().edit("new") as edit:
        images.add(edit.state, "fresh", {"arch": "x86_64"})
    outcome = site.picker().rollback(Rollback(to="r2"))
    assert "image fresh stays as it is: image fresh did not exist" in notes(outcome)
    assert "kp: web/production" in menu(site, 2)


def test_all_images_that_can_go_back(site: SmallSite) -> None:
    another_good_one(site)
    outcome = site.picker().rollback(Rollback())
    assert outcome.warnings == []
    assert site.picker().site.record(outcome.commit).images == ("gpu", "web")
    again = site.picker().rollback(Rollback())
    assert (again.revision, again.warnings) == ("", [])


def test_of_all_images_none_can(site: SmallSite) -> None:
    lost_artifact("web", "6.1")(site)
    tip = site.picker().site.tip()
    with pytest.raises(Refused, match="image gpu stays as it is") as caught:
        site.picker().rollback(Rollback())
    assert "image web stays as it is" in caught.value.message
    assert site.picker().site.tip() == tip


def test_images_that_are_named_go_together_or_not_at_all(site: SmallSite) -> None:
    with pytest.raises(Refused, match="gpu has no earlier"):
        site.picker().rollback(Rollback(("web", "gpu")))
    assert "kp: web/next" in menu(site, 2)


@pytest.mark.parametrize("message", ["two\n\nlines", "long " * 2000, " "])
def test_any_message_that_a_commit_takes(site: SmallSite, message: str) -> None:
    assert site.picker().rollback(replace(WEB, message=message.strip())).revision
    state = site.picker().view("HEAD")
    bad = [v for v in map(state.verdict, state.names("verdict")) if v]
    assert [len(v.reason) <= 4096 for v in bad if v.verdict == "bad"] == [True]
