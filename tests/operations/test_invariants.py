"""docs/invariants.md: each invariant of main, by every way into main.

An invariant is broken by two changes, each of which is right by itself.
"""

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from kpstore.edits import entries, groups, images, nodes, targets
from kpstore.errors import KpError
from kpstore.model.documents import Document, KernelConfig, Rollout, VariableRule
from kpstore.model.keys import MODELS, Key, Kind
from kpstore.model.moves import image_of
from kpstore.model.state import State
from kpstore.operations.rollback import Rollback
from kpstore.picker import KernelPicker
from support import sites
from support.sites import SmallSite, done
from support.sources import ROOT

Change = Callable[[State], object]

HUNG = {"kernel": "6.2", "params": ("id={node.index}", "bad=1")}
RULES = {
    "index": VariableRule(unique=True, minimum=0),
    "serial": VariableRule(unique=True),
}


# --- the site of before


def lay_out(picker: KernelPicker, state: State) -> None:
    """Three images, four nodes, groups and a tree; everything is right."""
    repeatable = (*state.site().repeatable, "rep")
    rules = {"params_table": 1, "repeatable": repeatable, "variables": RULES}
    fields(Key("site"), **rules)(state)
    one, two = (sites.add_kernel(picker, release) for release in ("6.1", "6.2"))
    for image in ("web", "gpu", "lone", "bare"):
        images.add(state, image, {"arch": "x86_64"})
        for each in (one, two):
            sites.put_kernel(state, image, each)
    xen = KernelConfig.model_validate({**dict(one), "kind": "xen"})
    state.put(Key("kernel", "xen", "web"), xen)
    mixed = {**HUNG, "method": "mixed"}
    entries.add(state, "web", "production", mixed)
    entries.add(state, "web", "spare", {"kernel": "6.1"})
    entries.add(state, "gpu", "run", {"kernel": "6.1"})
    entries.add(state, "lone", "only", {"kernel": "6.1"})
    for number, image in enumerate(("web", "web", "gpu"), start=1):
        own = {"macs": (sites.mac(number),), "index": number, "vars": {"rack": "r"}}
        nodes.add(state, f"n{number}", {**own, "image": image})
    targets.add(state, "disk", tree_of("web"))
    ranked: dict[str, dict[str, Any]] = {
        "rack": {"nodes": "n1"},
        "low": {"nodes": "n1", "params": ("x=1",), "priority": 1},
        "high": {"nodes": "n1", "params": ("x=2",), "priority": 3},
        "left": {"nodes": "n2", "params": ("y=1",), "priority": 5},
        "right": {"params": ("y=2",), "priority": 5},
        "plain": {},
        "other": {},
    }
    for name, group in ranked.items():
        groups.add(state, name, group)


def tree_of(image: str) -> dict[str, Any]:
    return {"kind": "image", "loaders": ("grub",), "image": image}


@pytest.fixture(scope="module")
def before(tmp_path_factory: pytest.TempPathFactory) -> SmallSite:
    """The site once made: what production booted first (r2) is known bad."""
    site = SmallSite(tmp_path_factory.mktemp("invariants"))
    KernelPicker.create(site.root, site.caller(), site_id=sites.SITE_ID, name="small")
    picker = site.picker()
    with picker.edit("lay out") as edit:
        lay_out(picker, edit.state)
    site.picker().judge("bad", [("web", None, None)], "it hangs")
    commit(site, fields(WEB, kernel="6.1", params=("id={node.index}",)))
    return site


@pytest.fixture
def site(before: SmallSite, tmp_path: Path) -> SmallSite:
    shutil.copytree(before.root, tmp_path / "site", symlinks=True)
    return replace(before, where=tmp_path)


# --- changes


def fields(key: Key, **values: object) -> Change:
    """Set fields of a document, which is made where it isn't there."""

    def change(state: State) -> None:
        known = state.get(key)
        model = MODELS[key.kind]
        old = dict(known) if known else {}
        state.put(key, model.model_validate({**old, **values}))

    return change


def put(key: Key, document: Document) -> Change:
    return lambda state: state.put(key, document)


def gone(*keys: Key) -> Change:
    return lambda state: [state.drop(key) for key in keys]


def both(*changes: Change) -> Change:
    return lambda state: [change(state) for change in changes]


def node(name: str, **values: object) -> Change:
    return fields(Key("node", name), name=name, **values)


def group(name: str, **values: object) -> Change:
    return fields(Key("group", name), **values)


def site_rules(**values: object) -> Change:
    return fields(Key("site"), **values)


def copied(kind: Kind, of: Key, name: str) -> Change:
    """Add a document under another name."""

    def change(state: State) -> None:
        known = state.get(of)
        assert known
        state.put(Key(kind, name, of.within), known)

    return change


WEB = Key("entry", "production", "web")
SPARE = Key("entry", "spare", "web")
KERNEL = Key("kernel", "6.2", "web")
lone_goes = gone(
    Key("image", "lone"),
    Key("entry", "only", "lone"),
    Key("kernel", "6.1", "lone"),
    Key("kernel", "6.2", "lone"),
)
LONG = tuple(f"long{n}={'x' * 140}" for n in range(8))
LONGER = tuple(f"longer{n}={'x' * 140}" for n in range(8))
REPEATED = ("rep=1", "rep=2")


@dataclass(frozen=True)
class Invariant:
    """What two changes break together; `words` is what is said."""

    first: Change
    second: Change
    words: str


def same_name(kind: Kind, of: Key) -> Invariant:
    return Invariant(
        copied(kind, of, "Twin"), copied(kind, of, "tWIN"), "differ by case only"
    )


def unique(words: str, **values: object) -> Invariant:
    return Invariant(node("n1", **values), node("n2", **values), words)


INVARIANTS = {
    "a group's groups are there": Invariant(
        gone(Key("group", "rack")),
        group("plain", nodes="@rack,n2"),
        "group plain is @rack,n2: no group 'rack'",
    ),
    "no group is in itself": Invariant(
        group("plain", nodes="@other"), group("other", nodes="@plain"), "group plain"
    ),
    "no tie by priority": Invariant(
        group("low", priority=2), group("high", priority=2), "same priority"
    ),
    "no tie by members": Invariant(
        group("left", nodes="n3"), group("right", nodes="n3"), "same priority"
    ),
    "a node's image is there": Invariant(
        lone_goes, node("n9", image="lone"), "lone' here|lone is used by 1 node$"
    ),
    "a node's image is there, hidden by its next boot": Invariant(
        lone_goes,
        node("n9", image="lone", next={"entry": "gpu/run"}),
        "lone' here|lone is that of n9, though another is next",
    ),
    "a next boot's image is there": Invariant(
        lone_goes,
        node("n9", image="gpu", next={"entry": "lone/only"}),
        "lone' here|lone is used by 1 node$",
    ),
    "a next boot's entry is there": Invariant(
        gone(SPARE), node("n2", next={"entry": "spare"}), "no entry 'spare'"
    ),
    "a next boot has an image": Invariant(
        node("n2", image=None), node("n2", next={"entry": "spare"}), "has no image"
    ),
    "a target's image is there": Invariant(
        lone_goes,
        fields(Key("target", "tree"), **tree_of("lone")),
        "lone' here|lone is what target tree serves",
    ),
    "a tree is one target's": Invariant(
        fields(Key("target", "one"), **tree_of("gpu")),
        fields(Key("target", "two"), **tree_of("gpu")),
        "tree of image gpu is target",
    ),
    "the default is an entry": Invariant(
        gone(SPARE),
        fields(Key("image", "web"), default="spare"),
        "default 'spare' is not one of its entries",
    ),
    "entries have a default": Invariant(
        both(
            gone(Key("entry", "only", "lone")),
            fields(Key("image", "lone"), default=None),
        ),
        fields(Key("entry", "more", "lone"), kernel="6.1"),
        "has entries and no default",
    ),
    "an image goes with its parts": Invariant(
        lone_goes,
        fields(Key("entry", "more", "lone"), kernel="6.1"),
        "lone goes, but more would stay",
    ),
    "an entry's kernel is there": Invariant(
        gone(KERNEL), fields(SPARE, kernel="6.2"), "kernel '6.2' does not exist"
    ),
    "an entry's kernel is Linux": Invariant(
        fields(KERNEL, kind="xen"), fields(SPARE, kernel="6.2"), "of kind xen, not"
    ),
    "an entry's hypervisor is there": Invariant(
        gone(Key("kernel", "xen", "web")),
        fields(SPARE, xen={"kernel": "xen"}),
        "kernel 'xen' does not exist",
    ),
    "an entry's hypervisor is Xen": Invariant(
        fields(Key("kernel", "xen", "web"), kind="linux"),
        fields(SPARE, xen={"kernel": "xen"}),
        "of kind linux, not xen",
    ),
    "one architecture": Invariant(
        fields(Key("image", "bare"), arch="aarch64"),
        both(
            fields(Key("entry", "e", "bare"), kernel="6.1"),
            fields(Key("image", "bare"), default="e"),
        ),
        "for x86_64, the image is aarch64",
    ),
    "a rollout's entry is there": Invariant(
        gone(SPARE),
        put(Key("rollout", "web"), Rollout(entry="spare")),
        "rollout's entry 'spare'",
    ),
    "a rollout's image is there": Invariant(
        lone_goes,
        put(Key("rollout", "lone"), Rollout(entry="only")),
        "lone goes, but its rollout would stay",
    ),
    "MACs are unique": unique("mac .* is of", macs=("02:00:00:00:00:99",)),
    "addresses are unique": unique("ip 10.0.0.9 is of", ips=("10.0.0.9",)),
    "indices are unique": unique("index web/9 is of", index=9),
    "unique variables are": unique("var web/serial=s", vars={"serial": "s"}),
    "variables become unique": Invariant(
        both(node("n1", vars={"tag": "t"}), node("n2", vars={"tag": "t"})),
        site_rules(variables={**RULES, "tag": VariableRule(unique=True)}),
        "var web/tag=t",
    ),
    "variables are set": Invariant(
        fields(WEB, params=("id={node.index}", "rack={node.var.rack}")),
        node("n2", vars={}),
        "n2 has no var.rack",
    ),
    "variables are in range": Invariant(
        site_rules(variables={"index": VariableRule(maximum=5)}),
        node("n2", index=9),
        "index is 9, outside",
    ),
    "no two images by case": same_name("image", Key("image", "bare")),
    "no two groups by case": same_name("group", Key("group", "rack")),
    "no two targets by case": Invariant(
        fields(Key("target", "Twin"), kind="tftp", loaders=("grub",)),
        fields(Key("target", "tWIN"), kind="tftp", loaders=("grub",)),
        "differ by case only",
    ),
    "no two entries by case": same_name("entry", SPARE),
    "no two kernels by case": same_name("kernel", KERNEL),
    "repeated in an image": Invariant(
        site_rules(repeatable=("console",)),
        fields(Key("image", "gpu"), params=REPEATED),
        "image gpu: parameter 'rep' is given twice",
    ),
    "repeated in an entry": Invariant(
        site_rules(repeatable=("console",)),
        fields(SPARE, params=REPEATED),
        "entry web/spare: parameter 'rep' is given twice",
    ),
    "repeated for SSI": Invariant(
        site_rules(repeatable=("console",)),
        fields(Key("image", "gpu"), ssi={"params": REPEATED}),
        "ssi of gpu: parameter 'rep' is given twice",
    ),
    "repeated in a group": Invariant(
        site_rules(repeatable=("console",)),
        group("rack", params=REPEATED),
        "group rack: parameter 'rep' is given twice",
    ),
    "repeated in a node": Invariant(
        site_rules(repeatable=("console",)),
        node("n3", params=REPEATED),
        "node n3: parameter 'rep' is given twice",
    ),
    "repeated in a next boot": Invariant(
        site_rules(repeatable=("console",)),
        node("n3", next={"entry": "run", "params": REPEATED}),
        "next boot of n3: parameter 'rep' is given twice",
    ),
    "a tie by what repeats": Invariant(
        both(group("low", params=("rep=1",)), group("high", priority=1)),
        both(site_rules(repeatable=("console",)), group("high", params=("rep=2",))),
        "same priority",
    ),
    "a tie by what adds up no more": Invariant(
        both(group("low", params=("rep=1",)), group("high", priority=1)),
        both(site_rules(params_table=2), group("high", params=("rep=2",))),
        "same priority",
    ),
    "a tie by what is taken away": Invariant(
        both(site_rules(params_table=2), group("low", without=("rep",))),
        both(group("high", params=("rep=2",)), group("high", priority=1)),
        "same priority .* without rep and rep=2",
    ),
    "a site's rows agree": Invariant(
        site_rules(params_table=2, params_append=("a",)),
        site_rules(params_table=2, params_replace=("a",)),
        "two kinds",
    ),
    "what is required is there": Invariant(
        fields(Key("image", "web"), required_params=("id",)),
        fields(WEB, params=()),
        "web/production is booted without id, which image web requires",
    ),
    "what is forbidden is not": Invariant(
        site_rules(forbidden_params=("debug=1",)),
        group("rack", params=("debug=1",)),
        "web/production is booted with debug=1, which the site forbids",
    ),
    "command lines fit": Invariant(
        fields(Key("image", "web"), params=LONG), fields(WEB, params=LONGER), "1,950"
    ),
    "what is bad is no default": Invariant(
        fields(WEB, kernel="6.2"), fields(WEB, params=HUNG["params"]), "known bad"
    ),
    "what is bad is not what disks boot": Invariant(
        fields(WEB, method="network"),
        fields(SPARE, **HUNG, method="mixed"),
        "spare, which its disks boot by themselves, is known bad",
    ),
    "what is bad is no next boot": Invariant(
        fields(SPARE, **HUNG),
        node("n3", next={"entry": "web/spare"}),
        "web/spare, the next boot of n3, is known bad",
    ),
}


# --- ways in


def commit(site: SmallSite, change: Change) -> str:
    """Commit at once, as a verb with -m does; return the revision."""
    with site.picker().edit("at once") as edit:
        change(edit.state)
    return done(edit.outcome).revision


def draft(site: SmallSite, change: Change) -> None:
    with site.picker().edit() as edit:
        change(edit.state)


def undone(site: SmallSite, change: Change) -> tuple[str, str]:
    """Make a change and take it back; return the revisions of both."""
    base = State(site.picker().site.main())
    made = commit(site, change)
    changed = State(base)
    change(changed)

    def back(state: State) -> None:
        for key in changed.changes:
            was = base.get(key)
            state.drop(key) if was is None else state.put(key, was)

    return made, commit(site, back)


def by_one_verb(site: SmallSite, first: Change, second: Change) -> Change:
    return lambda _: commit(site, both(first, second))


def by_verbs(site: SmallSite, first: Change, second: Change) -> Change:
    commit(site, first)
    return lambda _: commit(site, second)


def by_verbs_turned(site: SmallSite, first: Change, second: Change) -> Change:
    return by_verbs(site, second, first)


def by_a_draft(site: SmallSite, first: Change, second: Change) -> Change:
    commit(site, first)
    draft(site, second)
    return lambda _: site.picker().commit("from my draft")


def by_a_push(site: SmallSite, first: Change, second: Change) -> Change:
    commit(site, first)
    sites.push(site, site.user, second)
    return lambda _: site.picker().commit("from what I pushed")


def by_a_merge(site: SmallSite, first: Change, second: Change) -> Change:
    bob = replace(site, user="bob")
    draft(site, second)
    draft(bob, first)
    bob.picker().commit("bob was first")
    return lambda _: site.picker().commit("and ann")


def by_a_revert(site: SmallSite, first: Change, second: Change) -> Change:
    _, back = undone(site, second)
    commit(site, first)
    return lambda _: site.picker().revert(back, "it was right")


WAYS = [
    by_one_verb,
    by_verbs,
    by_verbs_turned,
    by_a_draft,
    by_a_push,
    by_a_merge,
    by_a_revert,
]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("name", INVARIANTS)
def test_no_way_into_main_breaks_one(
    site: SmallSite, name: str, way: Callable[..., Change]
) -> None:
    broken = INVARIANTS[name]
    last = way(site, broken.first, broken.second)
    tip = site.picker().site.tip()
    with pytest.raises(KpError, match=broken.words):
        last(State(site.picker().site.main()))
    assert site.picker().site.tip() == tip


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("name", INVARIANTS)
def test_a_rollback_goes_through_and_the_next_commit_too(
    site: SmallSite, name: str, turned: bool
) -> None:
    broken = INVARIANTS[name]
    changes = (broken.first, broken.second)
    now, then = reversed(changes) if turned else changes
    base = State(site.picker().site.main())
    changed = State(base)
    then(changed)
    images_then = {image_of(key) for key in changed.changes} - {""}
    revision, _ = undone(site, then)
    commit(site, now)
    kept = [image for image in images_then if changed.get(Key("image", image))]
    for image in kept:
        outcome = site.picker().rollback(Rollback((image,), to=revision))
        assert outcome.revision
        main = State(site.picker().site.main())
        for key, document in changed.changes.items():
            if image_of(key) == image:
                assert main.get(key) == document
    commit(site, node("n77", macs=("02:00:00:00:00:77",), image="gpu"))


def test_the_document_lists_them() -> None:
    page = ROOT / "docs/invariants.md"
    listed = {
        line.split("|")[1].strip()
        for line in page.read_text().splitlines()
        if line.startswith("| ") and not line.startswith("| invariant")
    }
    assert listed == set(INVARIANTS)
