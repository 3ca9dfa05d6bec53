"""What a commit is refused for that asks the past, too."""

from collections.abc import Callable
from pathlib import Path

import pytest

from kpstore.edits import entries, images, targets
from kpstore.errors import NeedsConfirmation, Refused
from kpstore.health.verdicts import Said, bad_verdict, give
from kpstore.model.boot import default_boot
from kpstore.model.documents import Site
from kpstore.model.keys import Key
from kpstore.model.state import State
from kpstore.operations.outcome import Outcome
from support import sites
from support.sites import SmallSite, call_good, first_import, roll_back, second_kernel

Change = Callable[[State], object]


@pytest.fixture
def site(tmp_path: Path) -> SmallSite:
    """A site that was rolled back (r5): what it booted before is known bad."""
    return sites.make(tmp_path, first_import, call_good, second_kernel, roll_back)


def by_verb(site: SmallSite, change: Change) -> Outcome | None:
    with site.picker().edit("at once") as edit:
        change(edit.state)
    return edit.outcome


def by_draft(site: SmallSite, change: Change) -> Outcome:
    with site.picker().edit() as edit:
        change(edit.state)
    return site.picker().commit("from the draft")


def by_push(site: SmallSite, change: Change) -> Outcome:
    sites.push(site, site.user, change)
    return site.picker().commit("pushed")


WAYS = [by_verb, by_draft, by_push]


def bad_again(site: SmallSite) -> Change:
    """Bring back what was rolled away from, document for document."""
    before = site.picker().view("r4")
    parts = [Key("entry", "next", "web"), Key("kernel", "6.2", "web")]

    def change(state: State) -> None:
        for key in parts:
            document = before.get(key)
            assert document
            state.put(key, document)
        images.change(state, "web", {"default": "next"})

    return change


def without_verdicts(_: SmallSite) -> Change:
    """Forget what was found."""

    def change(state: State) -> None:
        for name in state.names("verdict"):
            state.drop(Key("verdict", name))

    return change


def called_good(site: SmallSite) -> Change:
    """Call good what is bad."""
    boot = default_boot(site.picker().view("r4"), "web")
    assert boot
    said = Said("bob", "2033", "r4", "trust me", "web")
    return lambda state: give(state, boot.payload, "good", said)


def both(*changes: Change) -> Change:
    return lambda state: [change(state) for change in changes]


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("force", ["", "meant"])
@pytest.mark.parametrize("made", [without_verdicts, called_good])
def test_no_edit_carries_a_verdict_away(
    site: SmallSite,
    way: Callable[..., object],
    made: Callable[[SmallSite], Change],
    force: str,
) -> None:
    tip = site.picker().site.tip()
    with pytest.raises(Refused, match="an edit gives no verdicts and takes none back"):
        way(site, both(bad_again(site), made(site)))
    if force and way is not by_verb:
        with pytest.raises(Refused, match="gives no verdicts"):
            site.picker().commit("all the same", force=force)
    assert site.picker().site.tip() == tip


@pytest.mark.parametrize("way", WAYS)
def test_what_is_bad_is_no_default(site: SmallSite, way: Callable[..., object]) -> None:
    with pytest.raises(NeedsConfirmation, match="the new default is known bad"):
        way(site, bad_again(site))


def with_disk(site: SmallSite, method: str) -> Change:
    """Give web an entry on its disk that boots what is bad; `aaa` comes first."""

    kernel = site.picker().view("r4").kernel("web", "6.2")

    def change(state: State) -> None:
        state.put(Key("kernel", "6.2", "web"), kernel)
        entries.change(state, "web", "production", {"method": "network"})
        fields = {"method": method, "kernel": "6.2", "params": ("quiet", "panic=10")}
        entries.add(state, "web", "aaa", fields)

    return change


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("method", ["local", "mixed"])
def test_what_is_bad_is_not_what_disks_boot_by_themselves(
    site: SmallSite, way: Callable[..., object], method: str
) -> None:
    words = "web: aaa, which its disks boot by themselves, is known bad"
    with pytest.raises(NeedsConfirmation, match=words):
        way(site, with_disk(site, method))


@pytest.mark.parametrize("way", WAYS)
def test_a_bad_default_is_not_what_disks_boot_without_a_word(
    site: SmallSite, way: Callable[..., object]
) -> None:
    by_verb(site, lambda state: over_the_network(state, "production", "rescue"))
    site.picker().judge("bad", [("web", None, None)], "it hangs")
    words = "web: production, which its disks boot by themselves, is known bad"
    with pytest.raises(NeedsConfirmation, match=words):
        way(
            site,
            lambda state: entries.change(
                state, "web", "production", {"method": "mixed"}
            ),
        )


def over_the_network(state: State, *names: str) -> None:
    for name in names:
        entries.change(state, "web", name, {"method": "network"})


def test_where_no_tree_is_served_no_disk_boots_it(site: SmallSite) -> None:
    by_verb(site, lambda state: targets.enable(state, "disk", False))
    by_verb(site, with_disk(site, "local"))
    with pytest.raises(NeedsConfirmation, match="which its disks boot"):
        by_verb(site, lambda state: targets.enable(state, "disk", True))
    by_verb(site, lambda state: targets.remove(state, "disk"))
    fields = {"kind": "image", "loaders": ("grub",), "image": "web"}
    with pytest.raises(NeedsConfirmation, match="which its disks boot"):
        by_verb(site, lambda state: targets.add(state, "disk", fields))


def adding_up(*keys: str) -> Change:
    def change(state: State) -> None:
        known = state.site()
        state.put(Key("site"), Site(**{**dict(known), "params_append": keys}))

    return change


def test_a_rule_of_the_site_makes_no_bad_payload_the_default(site: SmallSite) -> None:
    """How parameters merge is part of what a payload is."""
    by_verb(site, lambda state: images.change(state, "web", {"params": ("a=1",)}))
    add = {"add_params": ("a=2",)}
    by_verb(site, lambda state: entries.change(state, "web", "production", {}, **add))
    site.picker().judge("bad", [("web", None, None)], "it hangs")
    by_verb(site, adding_up("a"))
    bad = default_boot(site.picker().view(), "web")
    assert bad
    assert bad_verdict(site.picker().view(), bad.payload) is None
    with pytest.raises(NeedsConfirmation, match="the new default is known bad"):
        by_verb(site, adding_up())


def test_a_bad_default_that_is_there_stops_no_other_edit(site: SmallSite) -> None:
    site.picker().judge("bad", [("web", None, None)], "it hangs")
    by_verb(site, lambda state: entries.remove(state, "web", "rescue"))
    by_verb(site, adding_up("a"))


def with_xen(site: SmallSite) -> Change:
    """Give what web boots a hypervisor, for which no loader has words yet."""
    kernel = site.picker().view().kernel("web", "6.1")
    xen = kernel.model_copy(update={"kind": "xen"})

    def change(state: State) -> None:
        state.put(Key("kernel", "xen", "web"), xen)
        fields = {"xen": {"kernel": "xen"}, "method": "network"}
        entries.change(state, "web", "production", fields)

    return change


@pytest.mark.parametrize("way", WAYS)
def test_what_no_loader_can_write_is_refused_where_it_is_used(
    site: SmallSite, way: Callable[..., object]
) -> None:
    with pytest.raises(Refused, match="can't be rendered yet"):
        way(site, with_xen(site))


def test_a_target_that_comes_must_have_words_for_all_that_is_used(
    site: SmallSite,
) -> None:
    by_verb(site, lambda state: targets.remove(state, "net"))
    by_verb(site, with_xen(site))
    with pytest.raises(Refused, match="can't be rendered yet"):
        fields = {"kind": "tftp", "loaders": ("grub",)}
        by_verb(site, lambda state: targets.add(state, "other", fields))
