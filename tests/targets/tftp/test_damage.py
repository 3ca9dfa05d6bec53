"""Whatever befalls a name on a TFTP root: it is seen, mended, and rolled back over.

Names and damages are enumerated from a root as kp leaves it, so that a new file of the
layout is tried by itself. A part of the product runs always, another one each day.
"""

import os
import shutil
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import pytest

from kpstore.operations.outcome import Outcome, TargetOutcome
from kpstore.queries.status import TargetLine, look
from kpstore.site.reader import SiteReader
from kpstore.targets.values import Finding
from support import sites
from support.damages import DAMAGES, PARAMETERS, kinds, possible
from support.rotation import OneIn
from support.sites import SmallSite
from support.tftp_world import fetch

_LONG = 120  # seconds; a look that waits for a writer of a FIFO takes for ever
_PART = 6  # every 6th case a day
_NAMELESS = (
    "kp/generations/LIVE/+",  # what is gone of it nobody can know
    "kp/reserve",  # nothing depends on it, the next commit makes it whole
)


Given = dict[str, bytes | None]  # what nodes are given, by the path that they ask for


class Case(NamedTuple):
    """A kind of name, a path of it on the template's root, and what befalls it."""

    kind: str
    path: str
    damage: str


@lru_cache
def template(base: Path) -> SmallSite:
    """Return the site that each case copies, with way to go back and nodes moved."""
    steps = (sites.first_import, sites.call_good, sites.moving_nodes)
    return sites.make(base, *steps, sites.second_kernel)


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> SmallSite:
    return template(tmp_path_factory.mktemp("damaged"))


def copy(made: SmallSite, where: Path) -> SmallSite:
    shutil.copytree(made.where, where / "copy", symlinks=True)
    site = SmallSite(where / "copy")
    site.save_paths()
    with site.picker().writing():  # which notes the times of the copy
        pass
    (where / "outside").mkdir()
    return site


@contextmanager
def not_for_ever() -> Iterator[None]:
    def late(*_: object) -> None:
        raise TimeoutError("it waits for ever")

    before = signal.signal(signal.SIGALRM, late)
    signal.alarm(_LONG)
    try:
        yield
    finally:
        signal.alarm(0)
        signal.signal(signal.SIGALRM, before)


def served(site: SmallSite) -> Given:
    """Return what nodes are given, by the path that they ask for, in a chroot."""
    macs = [sites.mac(number).replace(":", "-") for number in range(8)]
    forms = ("pxelinux.cfg/01-{}", "grub/grub.cfg-01-{}", "ipxe/01-{}.ipxe")
    asked = [form.format(mac) for form in forms for mac in macs]
    found = {path: fetch(site.tftp, path) for path in asked}
    for data in [*found.values()]:
        for path in kernels(data or b""):
            found[path] = fetch(site.tftp, path)
    return found


def kernels(menu: bytes) -> set[str]:
    words = menu.decode().replace(",", " ").split()
    paths = (word.partition("/kp/objects/")[2] for word in words)
    return {f"kp/objects/{path}" for path in paths if path}


def rolled_back(made: SmallSite, where: Path) -> Given:
    site = copy(made, where)
    assert not roll_back(site).behind
    return served(site)


@pytest.fixture(scope="session")
def right(made: SmallSite, tmp_path_factory: pytest.TempPathFactory) -> Given:
    """What nodes are given after a rollback on a root that nobody damaged."""
    found = rolled_back(made, tmp_path_factory.mktemp("right"))
    assert len(found) > 24
    return found


def roll_back(site: SmallSite) -> Outcome:
    return sites.roll_back(site.picker())


def line(site: SmallSite) -> TargetLine:
    """Return what `kp status` says of the TFTP root."""

    def really(name: str) -> list[Finding]:
        (found,) = site.picker().verify([name], deep=True)
        return found.findings

    lines = look(SiteReader(site.root), really).targets
    (found,) = (each for each in lines if each.target == "net")
    assert not found.problem, found
    return found


def views(site: SmallSite) -> tuple[str, set[str]]:
    """Return condition and drift as all views say them: status, verify, doctor."""
    status = line(site)
    (verified,) = site.picker().verify(["net"], deep=True)
    (quick,) = site.picker().verify(["net"], deep=False)
    told = [f for f in site.picker().examine() if f.about == "target net"]
    assert status.condition == verified.condition == quick.condition == told[0].text
    drift = {found.path for found in verified.drift}
    assert bool(drift) == bool(status.drift), (drift, status.drift)
    assert bool(drift) == bool(quick.drift), (drift, quick.drift)
    assert bool(drift) == any(f.level == "bad" for f in told[1:]), (drift, told)
    for each in (*status.drift, *quick.drift):
        assert related({each.path}, drift), (each, drift)
    return verified.condition, drift


def names(drift: set[str], path: str, live: str) -> bool:
    """Tell whether one of the findings leads to the damage."""
    said = {each.replace("kp/live/", f"kp/{live}/") for each in drift} | drift
    return related(said, {path})


def related(some: set[str], others: set[str]) -> bool:
    """Tell whether one of a set is, or lies in, or holds one of the other set."""
    return any(
        one == other or one.startswith(f"{other}/") or other.startswith(f"{one}/")
        for one in some
        for other in others
    )


def snapshot(folder: Path) -> list[tuple[str, bytes]]:
    return [
        (str(p.relative_to(folder)), p.read_bytes() if p.is_file() else b"")
        for p in sorted(folder.rglob("*"))
    ]


def check_mended(
    made: SmallSite, where: Path, kind: str, path: str, damage: str
) -> None:
    """Damage a name; the views agree and name it, publish mends it."""
    site = copy(made, where)
    live = os.readlink(site.tftp / "kp/live")
    before = served(site)
    DAMAGES[damage](site.tftp / path, where / "outside")
    outside = snapshot(where / "outside")
    condition, drift = views(site)
    unseen = "(not live)" in kind or kind.startswith(_NAMELESS)
    unseen |= path == "kp/retired" and damage in ("removed", "emptied")  # as above
    unseen |= damage == "an_owner" and not path.startswith("kp")  # the administrator's
    unseen |= condition == "ahead" or (
        condition == "absent" and (path == "kp" or damage == "removed")
    )
    assert unseen or names(drift, path, live), (condition, drift)
    found = {t.name: t for t in publish(site)}["net"]
    if found.condition in ("absent", "ahead"):  # nobody knows whose it is
        assert path in ("kp", "kp/TARGET")
        site.picker().adopt("net")
        found = {t.name: t for t in publish(site)}["net"]
    assert found.condition == "live", found
    assert views(site) == ("live", set())
    assert served(site) == before
    assert snapshot(where / "outside") == outside


def publish(site: SmallSite) -> list[TargetOutcome]:
    picker = site.picker()
    return picker.publish()


def check_rolled_back(made: SmallSite, where: Path, case: Case, right: Given) -> None:
    """Damage a name; a rollback reaches nodes all the same, or says that it lags."""
    site, path = copy(made, where), case.path
    DAMAGES[case.damage](site.tftp / path, where / "outside")
    outside = snapshot(where / "outside")
    done = roll_back(site)
    if "net" in {target.name for target in (*done.behind, *done.ahead)}:
        assert path in ("kp", "kp/TARGET"), done
        return
    assert served(site) == right
    assert snapshot(where / "outside") == outside


def cases(made: SmallSite) -> list[Case]:
    """Return each kind of name with its path, and each damage that it may suffer."""
    return [
        Case(kind, path, damage)
        for kind, path in kinds(made.tftp).items()
        for damage in DAMAGES
        if possible(made.tftp / path, damage)
    ]


def test_what_is_tried_is_what_there_is(made: SmallSite) -> None:
    """The layout of docs/format.md, and no kind of name left out."""
    found = set(kinds(made.tftp))
    assert {
        "kp",
        "kp/TARGET",
        "kp/live",
        "kp/generations",
        "kp/generations/LIVE/STATE",
        "kp/menus/*/grub",
        "kp/shards/*/SHA256SUMS",
        "kp/objects/*/vmlinuz",
        "kp/generations/LIVE/*",
        "kp/shelves",
        "kp/shelves/*",
        "kp/shelves/*/CONTENTS",
        "kp/shelves/*/web*",
        "kp/retired",
        "kp/retired/*-* (not live)",
        "pxelinux.cfg",
        "pxelinux.cfg/*",
        "pxelinux.cfg/* (to an own file)",
        "ipxe/boot.ipxe",
    } <= found
    assert len(cases(made)) > 300


@pytest.mark.slow
@pytest.mark.parametrize("damage", PARAMETERS)
def test_damage_is_named_and_mended(
    made: SmallSite, tmp_path: Path, damage: str, one_in: OneIn
) -> None:
    for case in chosen(made, damage, one_in):
        with alone(case, tmp_path / "case") as where:
            check_mended(made, where, *case)


@pytest.mark.slow
@pytest.mark.parametrize("damage", PARAMETERS)
def test_a_rollback_reaches_nodes_over_any_damage(
    made: SmallSite, tmp_path: Path, damage: str, right: Given, one_in: OneIn
) -> None:
    for case in chosen(made, damage, one_in):
        with alone(case, tmp_path / "case") as where:
            check_rolled_back(made, where, case, right)


def chosen(made: SmallSite, damage: str, one_in: OneIn) -> list[Case]:
    """Return today's cases of a damage, or all with `--full`."""
    return [case for case in cases(made) if case.damage == damage][one_in(_PART)]


@contextmanager
def alone(case: Case, where: Path) -> Iterator[Path]:
    """Give a case a folder of its own and not for ever; say which one failed."""
    where.mkdir()
    try:
        with not_for_ever():
            yield where
    except Exception as error:
        error.add_note(f"--- {case}")
        raise
    finally:
        shutil.rmtree(where)
