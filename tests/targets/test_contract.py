"""What every kind of target keeps, and a kind that lives in tests alone as well.

That one is staged, switched, verified, repaired and swept by kp's own commands, and no
line of kpstore knows of it.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest

from kpstore.errors import NotFound, Refused
from kpstore.model.boot import resolve
from kpstore.model.state import State
from kpstore.model.vocabulary import LOADERS, OF_AN_IMAGE, OPTIONS, WRITTEN
from kpstore.picker import KernelPicker
from kpstore.targets import renderer
from kpstore.targets.contract import Kind, Target
from kpstore.targets.desired import Desired
from kpstore.targets.keep import Keep
from kpstore.targets.observers import OBSERVERS, inputs_of
from kpstore.targets.registry import KINDS
from kpstore.targets.spec import TargetSpec
from kpstore.targets.values import NO_LEEWAY, Leeway, Marker
from support import plainkind, sites
from support.cli import Cluster, copy, run, template
from support.sites import DAY, NOW, SITE_ID, first_import, second_kernel

FOREIGN = b"somebody else's\n"


@pytest.fixture(autouse=True)
def plain(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    renderer.name.cache_clear()
    with monkeypatch.context() as patch:
        plainkind.register(patch)
        yield
    renderer.name.cache_clear()


@pytest.fixture(params=[*KINDS, plainkind.NAME])
def kind(request: pytest.FixtureRequest) -> Kind:
    return KINDS[request.param]


@dataclass
class World:
    """A target of one kind, and a site whose commits it can be asked to serve."""

    kind: Kind
    root: Path
    picker: KernelPicker
    found: Path

    @property
    def spec(self) -> TargetSpec:
        name = self.kind.name
        return TargetSpec(
            name="here",
            kind=name,
            loaders=WRITTEN[name],
            image="web" if name in OF_AN_IMAGE else None,
            enabled=True,
            prefix="",
            grub_dir="grub",
            replace=False,
        )

    def target(self, name: str = "here", site: str = SITE_ID) -> Target[Any]:
        """Open it as a new process does."""
        spec = replace(self.spec, name=name)
        return self.kind.open(spec, self.root, site, self.picker.site.artifacts, {})

    def desired(self, rev: str, *, now: float = NOW) -> Desired:
        site = self.picker.site
        state = self.picker.view(rev)
        inputs = inputs_of(self.spec, state.base.subtree)  # type: ignore[attr-defined]
        commit = site.resolve(rev)
        number = site.record(commit).revision
        marker = Marker(SITE_ID, commit, number, inputs, renderer.name())
        return Desired(State(state.base), marker, now, DAY)

    def publish(self, rev: str, leeway: Leeway = NO_LEEWAY, *, now: float = NOW) -> int:
        return self.target().stage(self.desired(rev, now=now), leeway).switch()

    def files(self) -> dict[str, bytes]:
        """Return the bytes of all that lies there."""
        return {
            str(path.relative_to(self.root)): path.read_bytes()
            for path in sorted(self.root.rglob("*"))
            if path.is_file()
        }

    def served(self) -> Path:
        """Return a file with text that is served now."""
        texts = [
            text for _, text in self.kind.files(self.spec, self.desired("HEAD"), None)
        ]
        return next(
            path
            for path in sorted(self.root.rglob("*"), reverse=True)
            if path.is_file() and path.read_bytes() in texts
        )


@pytest.fixture
def world(kind: Kind, tmp_path: Path) -> World:
    site = sites.make(tmp_path, first_import, second_kernel)
    root = tmp_path / "root"
    for folder in ("boot/grub", "lib/modules"):
        (root / folder).mkdir(parents=True)
    return World(kind, root, site.picker(), tmp_path / "found")


@pytest.fixture
def live(world: World) -> World:
    world.target().publisher.create(())
    world.publish("r2")
    world.publish("r3")
    return world


def test_it_is_known_by_one_name_everywhere(kind: Kind):
    assert OBSERVERS[kind.name].name == kind.name
    words = kind.name in LOADERS, kind.name in WRITTEN, kind.name in OPTIONS
    assert words == (True, True, True)
    light = OBSERVERS[kind.name]
    assert (light.order, light.replaces) == (kind.order, kind.replaces)


def test_its_samples_are_targets_of_its_own_that_draw_something(kind: Kind):
    samples = kind.samples(("plain", "disk"))
    assert samples
    for sample in samples.values():
        assert (sample.kind == kind.name, bool(sample.image)) == (
            True,
            kind.name in OF_AN_IMAGE,
        )


def test_its_inputs_are_the_same_to_who_only_looks(world: World):
    light, kind = OBSERVERS[world.kind.name], world.kind
    assert list(light.inputs(world.spec)) == list(kind.inputs(world.spec)) != []


def test_a_place_that_is_missing_or_nobody_s_is_absent(world: World):
    seen = OBSERVERS[world.kind.name].observe(world.spec, world.root)
    looks = seen.identity(), seen.marker(), seen.unfinished()
    assert looks == (None, None, False)
    world.root = world.root / "missing"
    with pytest.raises(NotFound):
        world.target().publisher.create(())


def test_what_was_created_can_be_taken_back(world: World):
    before = world.files()
    target = world.target()
    target.publisher.create(())
    assert target.publisher.identity() is not None
    target.publisher.take_back()
    assert (world.target().publisher.identity(), world.files()) == (None, before)


def test_creating_again_changes_nothing_and_a_hold_stays(live: World):
    live.target().publisher.set_hold("being rebuilt")
    before = live.files()
    again = live.target()
    again.publisher.create(())
    again.publisher.take_back()  # this object made nothing
    found = again.publisher.identity()
    assert found and (found.target, found.hold) == ("here", "being rebuilt")
    assert live.files() == before


def test_another_s_target_is_not_taken(live: World):
    with pytest.raises(Refused, match="is target here of site 5"):
        live.target(site="6" * 32).publisher.create(())
    with pytest.raises(Refused, match="is target here"):
        live.target("there").publisher.create(("here",))
    live.target("there").publisher.create(())  # nobody is called `here` any more
    found = live.target().publisher.identity()
    assert found and found.target == "there"
    live.target(site="6" * 32).publisher.adopt(live.found)
    found = live.target().publisher.identity()
    assert found and found.site == "6" * 32


def test_what_is_staged_is_not_served_until_it_is_switched(world: World):
    world.target().publisher.create(())
    world.publish("r2")
    before, marker = world.files(), world.target().publisher.marker()
    staged = world.target().stage(world.desired("r3"), NO_LEEWAY)
    assert world.target().publisher.marker() == marker
    assert {path: world.files()[path] for path in before} == before
    staged.discard()
    assert world.files() == before
    staged = world.target().stage(world.desired("r3"), NO_LEEWAY)
    assert staged.switch() > 0
    assert world.target().publisher.marker() == world.desired("r3").marker
    assert world.target().verify(world.desired("r3"), deep=True) == []


def test_what_it_plans_it_does_not_do(world: World):
    world.target().publisher.create(())
    before = world.files()
    assert world.target().plan(world.desired("r2")).write
    assert world.files() == before


def test_nothing_is_staged_where_it_is_no_target(world: World):
    before = world.files()
    with pytest.raises((NotFound, OSError)):
        world.publish("r3")
    assert world.files() == before


def test_who_only_looks_sees_what_who_publishes_sees(live: World):
    seen = OBSERVERS[live.kind.name].observe(live.spec, live.root)
    here = live.target().publisher
    assert (seen.identity(), seen.marker()) == (here.identity(), here.marker())
    assert (seen.unfinished(), seen.damage()) == (False, [])
    assert seen.by_stamps == here.by_stamps == bool(seen.stamps())
    assert seen.quick(seen.stamps()) == ([], True)


def test_what_others_change_is_found_and_mended_and_kept(live: World):
    path = live.served()
    whole = path.read_bytes()
    path.chmod(0o644)
    path.write_bytes(FOREIGN)
    name = str(path.relative_to(live.root))
    desired = live.desired("r3")
    found = live.target().verify(desired, deep=True)
    assert found
    assert all(each.is_drift for each in found)
    mended = live.target().repair(desired, live.found)
    assert [each for each in mended if each.is_drift] == found
    assert path.read_bytes() == whole, name
    assert FOREIGN in [p.read_bytes() for p in live.found.rglob("*") if p.is_file()]
    assert live.target().verify(desired, deep=True) == []


def test_what_is_damaged_is_no_difference_that_can_be_overlooked(live: World):
    """The cheap look says that it sees something, or that it is not sure."""
    stamps = live.target().publisher.stamps()
    path = live.served()
    path.chmod(0o644)
    path.write_bytes(FOREIGN)
    look = live.target().publisher.quick(stamps, files=True)
    assert look.findings or not look.sure


def test_what_another_renderer_drew_stays_while_it_is_whole(live: World):
    desired = live.desired("r3")
    drawn = replace(desired, marker=replace(desired.marker, renderer="another"))
    live.target().stage(drawn, Leeway(live.found, afresh=True)).switch()
    before = live.files()
    older = replace(desired, older="another")
    assert live.target().verify(older, deep=True) == []
    assert live.target().repair(older, live.found) == []
    assert live.files() == before


def test_it_says_what_somebody_may_need_and_keeps_it(live: World):
    held = live.target().publisher.held()
    commit = live.picker.site.resolve("r3")
    assert held.generations[-1] == (3, commit[:12])
    assert held.objects
    for digest in held.objects:
        assert live.picker.site.artifacts.path(digest).exists()


def test_a_sweep_leaves_what_is_live_and_what_is_to_be_kept(live: World):
    here = live.target().publisher
    made = here.generations()
    kernels = live.picker.view("r2").kernel("web", "6.1")
    refs = {ref.sha256 for ref in kernels.artifacts.refs()}
    commits = [live.picker.site.resolve("r2")]
    keep = Keep(commits, refs, {"6.1"}, now=NOW, grace=DAY)
    here.sweep(keep)
    assert live.target().publisher.generations() == made
    kept = live.files()
    later = replace(keep, now=NOW + 30 * DAY)
    here.sweep(later)
    assert here.sweep(later) == []
    assert live.target().publisher.generations() == made
    gone = here.sweep(Keep(now=later.now, grace=DAY))
    assert bool(gone) == bool(made)
    assert live.target().publisher.generations() == made[-1:]
    assert live.target().verify(live.desired("r3"), deep=True) == []
    assert live.files().items() <= kept.items()


def test_who_retires_is_no_target_and_says_what_stays(live: World):
    left = live.target().publisher.retire()
    assert live.target().publisher.identity() is None
    assert all(each.kind in ("serving", "left", "foreign") for each in left)
    live.target().publisher.retire()  # what a crash repeats


def test_it_asks_only_for_what_it_serves(live: World):
    """What a node asks this target for lies where it says."""
    state = live.picker.view("HEAD")
    [(name, boot)] = list(_network_boots(state))[:1]
    requests = live.kind.requests(live.spec, live.root, state.node(name), boot)
    for request in requests:
        assert request.file.read_bytes(), request


def _network_boots(state: State) -> Iterator[tuple[str, Any]]:
    desired = Desired(state, Marker("", "0" * 40, 0), 0, 0)
    for each in sorted(desired.census().templates()):
        boot = resolve(state, each)
        if boot and boot.method != "local":
            yield from ((name, boot) for name in desired.census().nodes_of(each))


# --- the made-up kind, by kp's own commands


@pytest.fixture
def made(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """The cluster of `kp demo`, and a target of the made-up kind."""
    cluster = copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")
    pages = cluster.where / "pages"
    pages.mkdir()
    words = ("--kind", plainkind.NAME, "--root", str(pages), "--loader", "grub")
    said = cluster.kp("target", "add", "pages", *words, "-m", "pages too").err
    assert f"plain: let nodes read {pages}" in said
    return cluster


def page(made: Cluster, node: str) -> str:
    return (made.where / f"pages/live/{node}.boot").read_text()


def condition(made: Cluster) -> str:
    lines = run(made.site, "status", "--json").json["targets"]
    [line] = [each for each in lines if each["target"] == "pages"]
    return str(line["condition"])


def test_each_commit_switches_it_with_the_others(made: Cluster):
    assert condition(made) == "live"
    before = page(made, "n01")
    assert "kp.new=1" not in before
    made.kp("image", "set", "web", "--params", "kp.new=1", "-m", "a parameter")
    assert "kp.new=1" in page(made, "n01")
    assert condition(made) == "live"
    found = made.json("target", "list")
    assert [each["kind"] for each in found if each["target"] == "pages"] == ["plain"]


def test_a_rollback_takes_it_back(made: Cluster):
    before = page(made, "n01")
    made.kp("image", "set", "web", "--params", "kp.broken=1", "-m", "broken")
    assert page(made, "n01") != before
    made.kp("rollback", "web", "--to", "HEAD~1", "-m", "back", "-y")
    assert page(made, "n01") == before


def test_it_is_verified_and_repaired(made: Cluster):
    before = page(made, "n01")
    assert made.kp("verify").status == 0
    (made.where / "pages/live/n01.boot").write_bytes(FOREIGN)
    for words in (("verify",), ("verify", "--quick")):
        assert "pages" in made.kp(*words, expected=4).out
    made.kp("publish")
    assert page(made, "n01") == before
    assert made.kp("verify").status == 0
    kept = [p.read_bytes() for p in (made.site / "found").rglob("n01.boot")]
    assert FOREIGN in kept


def test_it_is_swept_and_what_it_serves_is_kept(made: Cluster):
    for number in range(4):
        params = ("--params", f"kp.turn={number}")
        made.kp("image", "set", "web", *params, "-m", f"turn {number}")
    generations = made.where / "pages/generations"
    assert len(list(generations.iterdir())) == 5
    stray = made.where / "pages/kernels" / ("f" * 64)
    stray.write_bytes(b"nobody's")
    made.kp("gc")
    assert not stray.exists()
    assert made.kp("verify").status == 0


def test_it_is_left_behind_and_brought_along(made: Cluster):
    before = page(made, "n01")
    edit = ("image", "set", "web", "--params", "kp.late=1", "-m", "late")
    made.kp(*edit, "--without", "pages", expected=6)
    assert (condition(made), page(made, "n01")) == ("lagging", before)
    made.kp("publish", "pages")
    assert condition(made) == "live"
    assert "kp.late=1" in page(made, "n01")


def test_what_it_refuses_no_commit_makes(made: Cluster):
    edit = ("image", "set", "web", "--params", "plain.refuses", "-m", "no")
    before = page(made, "n01")
    assert "plain files have no word" in made.kp(*edit, expected=1).err
    assert page(made, "n01") == before


def test_its_text_is_compared_and_its_removal_said(made: Cluster):
    made.kp("image", "set", "web", "--params", "kp.new=1", "-m", "a parameter")
    text = made.kp("diff", "HEAD~1", "HEAD", "--rendered").out
    assert "pages/n01.boot" in text
    said = made.kp("target", "rm", "pages", "-m", "no pages")
    assert "goes on serving" in said.out + said.err
    assert not (made.where / "pages/TARGET").exists()


def test_a_wiped_one_is_absent_and_adopted(made: Cluster):
    (made.where / "pages/TARGET").write_text("{")
    assert condition(made) == "absent"
    made.kp("target", "adopt", "pages")
    made.kp("publish", "pages")
    assert condition(made) == "live"
