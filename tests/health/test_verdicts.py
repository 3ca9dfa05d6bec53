"""Good is said of one payload; bad is remembered by a second key, too."""

import pytest

from kpstore.health.retention import Good, good_payloads
from kpstore.health.verdicts import Said, bad_verdict, give, is_good
from kpstore.model.keys import Key
from kpstore.model.payload import Content, Payload, identify
from kpstore.model.state import State
from support.states import state_of

OURS = Content("x86_64", "k", ("i",), "m", ("x", ("dom0_mem=1G",)), ("quiet",))
DIFFERENT = {
    "kernel": OURS._replace(kernel="k2"),
    "modules": OURS._replace(modules="m2"),
    "no modules": OURS._replace(modules=None),
    "hypervisor": OURS._replace(xen=("x2", ("dom0_mem=1G",))),
    "hypervisor's parameters": OURS._replace(xen=("x", ("dom0_mem=2G",))),
    "no hypervisor": OURS._replace(xen=None),
    "parameters": OURS._replace(params=("quiet", "debug")),
    "order of parameters": OURS._replace(params=("debug", "quiet")),
}
KIN = {
    "another initrd": OURS._replace(initrd=("i2",)),
    "no initrd": OURS._replace(initrd=()),
    "more initrds": OURS._replace(initrd=("ucode", "i")),
}


def judged(*verdicts: tuple[Content, str]) -> State:
    """Return a state in which these verdicts were given, one after another."""
    state = state_of()
    for number, (content, verdict) in enumerate(verdicts, start=1):
        since = f"2026-11-{number:02}T00:00:00Z"
        give(state, identify(content), verdict, said("web", number, since))
    return state


def said(image: str, revision: int, since: str = "2026-11-01T00:00:00Z") -> Said:
    return Said("ann", since, f"r{revision}", "it hangs", image)


@pytest.mark.parametrize("what", KIN)
def test_bad_is_remembered_whatever_the_initrd(what: str) -> None:
    assert bad_verdict(judged((OURS, "bad")), identify(KIN[what]))


@pytest.mark.parametrize("what", DIFFERENT)
def test_bad_says_nothing_of_what_differs_otherwise(what: str) -> None:
    assert bad_verdict(judged((OURS, "bad")), identify(DIFFERENT[what])) is None


@pytest.mark.parametrize("what", KIN)
def test_good_is_never_inherited(what: str) -> None:
    state = judged((OURS, "good"))
    assert is_good(state, identify(OURS))
    assert not is_good(state, identify(KIN[what]))


def test_its_own_word_stands_above_that_of_its_kin() -> None:
    mended = KIN["another initrd"]
    state = judged((OURS, "bad"), (mended, "good"))
    assert bad_verdict(state, identify(mended)) is None
    assert bad_verdict(state, identify(KIN["no initrd"]))


def test_a_later_verdict_replaces_an_earlier_one() -> None:
    state = judged((OURS, "good"), (OURS, "bad"))
    assert not is_good(state, identify(OURS))
    assert good_payloads(state, {}) == {}


# --- what is retained


def put_images(state: State, *names: str) -> None:
    for name in names:
        state.put(Key("image", name), state.image("web"))


def payload(kernel: str) -> Payload:
    return identify(OURS._replace(kernel=kernel))


def test_each_image_retains_its_newest_three() -> None:
    state = state_of()
    for day, kernel in enumerate(("a", "b", "c", "d"), start=1):
        since = f"2026-11-{day:02}T00:00:00Z"
        give(state, payload(kernel), "good", said("web", day, since))
    give(state, payload("e"), "good", said("gpu", 9))
    put_images(state, "gpu")
    assert good_payloads(state, {}) == {
        "web": [Good(payload(k).id, n) for k, n in (("d", 4), ("c", 3), ("b", 2))],
        "gpu": [Good(payload("e").id, 9)],
    }


def test_one_payload_is_retained_for_every_image_that_it_was_said_of() -> None:
    state = state_of()
    give(state, payload("a"), "good", said("web", 2))
    give(state, payload("a"), "good", said("copy", 5))
    ours = payload("a").id
    put_images(state, "copy")
    assert good_payloads(state, {}) == {"web": [Good(ours, 2)], "copy": [Good(ours, 5)]}
    give(state, payload("a"), "bad", said("copy", 6))
    verdict = state.verdict(ours)
    assert verdict
    assert verdict.images == {"copy": "r6"}


def test_an_image_that_is_gone_retains_nothing() -> None:
    state = state_of()
    give(state, payload("a"), "good", said("gone", 2))
    assert good_payloads(state, {"gone": {payload("a").id: 2}}) == {}


def test_what_is_good_counts_for_every_image_that_had_it() -> None:
    state = state_of()
    early, late = "2026-11-01T00:00:00Z", "2026-11-02T00:00:00Z"
    give(state, payload("a"), "good", said("gone", 2, early))
    give(state, payload("b"), "good", said("web", 3, late))
    give(state, payload("c"), "bad", said("web", 4))
    had = {payload(kernel).id: at for kernel, at in (("a", 7), ("b", 8), ("c", 9))}
    goods = good_payloads(state, {"web": {**had, "0" * 32: 10}})
    assert goods == {"web": [Good(payload("b").id, 8), Good(payload("a").id, 7)]}
