"""The overview of `kp status`, read from plain JSON, against what the models say."""

import json
import shutil
from pathlib import Path

import pytest

from kpstore.formats import samples
from kpstore.history import drafts
from kpstore.model.boot import boot_of
from kpstore.model.state import State
from kpstore.queries.entry import verdict_of
from kpstore.queries.status import Overview, look
from kpstore.site.opened import OpenSite
from kpstore.site.reader import SiteReader
from support.cli import Cluster, copy, template


@pytest.fixture
def made(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")


def looked(made: Cluster) -> Overview:
    return look(SiteReader(made.site), lambda _: [])


def as_models_say(made: Cluster) -> dict[str, tuple[str, str, str, str]]:
    """Return each image's default: entry, kernel, payload and verdict."""
    state = State(OpenSite(made.site).main())
    found = {}
    for name in state.names("image"):
        entry = state.image(name).default
        assert entry
        boot = boot_of(state, name, entry)
        verdict = verdict_of(state, boot)
        found[name] = (entry, boot.config.kernel, boot.payload.id, verdict)
    return found


def as_read(made: Cluster) -> dict[str, tuple[object, ...]]:
    return {
        line.image: (line.default, line.kernel, line.payload, line.verdict)
        for line in looked(made).images
    }


EDITS = {
    "as it is": (),
    "image and entry set one key": (
        ("image", "set", "web", "--params", "panic=30 console=ttyS0 quiet"),
        ("entry", "set", "web", "production", "--params", "panic=5 console=tty0"),
    ),
    "single-system parameters": (
        ("image", "set", "web", "--ssi-params", "ssi=1 quiet"),
        ("entry", "set", "web", "production", "--ssi"),
    ),
    "known bad": (("bad", "web", "-m", "it is"),),
    "another initrd of the known bad": (
        ("bad", "web", "-m", "it is"),
        (
            *("kernel", "add", "web", "--name", "6.1.0-28", "--replace", "--files"),
            *("KERNELS/vmlinuz", "--initrd", "KERNELS/initrd"),
        ),
    ),
    "a quoted parameter": (
        ("entry", "set", "web", "production", "--params", '"a=b c" d'),
    ),
}


@pytest.mark.parametrize("edits", EDITS.values(), ids=EDITS)
def test_payloads_and_verdicts_are_those_of_the_models(
    made: Cluster, edits: tuple[tuple[str, ...], ...]
):
    tree = made.tree("web") / "boot"
    kernels = made.where / "other"
    kernels.mkdir()
    (kernels / "vmlinuz").write_bytes((tree / "vmlinuz-6.1.0-28").read_bytes())
    (kernels / "initrd").write_bytes(
        (tree / "initrd.img-6.1.0-28").read_bytes() + bytes(4)
    )
    for words in edits:
        judged = words[0] == "bad"
        more = () if judged else ("-m", "x", "--force", "again")
        takes_force = words[0] == "entry"
        more = more if takes_force or judged else more[:2]
        made.kp(*(word.replace("KERNELS", str(kernels)) for word in words), *more)
    assert as_read(made) == as_models_say(made)


def test_a_hypervisor_is_part_of_the_payload(made: Cluster, tmp_path: Path):
    for target in ("boot1", "web-tree"):  # no loader renders a hypervisor yet
        made.kp("target", "disable", target, "-m", "later")
    (tmp_path / "xen.gz").write_bytes(samples.xen("4.17.1"))
    made.kp("kernel", "add", "web", "--xen", str(tmp_path / "xen.gz"), "--name", "xen")
    words = ("entry", "set", "web", "production", "--xen", "xen")
    made.kp(*words, "--xen-params", "dom0_mem=2G")
    made.kp("commit", "-m", "a hypervisor")
    assert as_read(made) == as_models_say(made)


def test_nodes_are_counted_with_and_without_an_index(made: Cluster):
    made.kp("next", "n01", "--entry", "db/production")
    made.kp("node", "set", "n40", "--image", "none", "-m", "spare")
    expected = {"web": 19, "db": 13, "edge": 7}
    assert {each.image: each.nodes for each in looked(made).images} == expected
    assert looked(made).without_image == 1
    (made.site / "cache/index.db").unlink()
    assert {each.image: each.nodes for each in looked(made).images} == expected
    assert looked(made).without_image == 1


def test_an_image_without_a_default(made: Cluster):
    made.kp("image", "add", "empty", "--arch", "x86_64", "-m", "to come")
    [line] = [each for each in looked(made).images if each.image == "empty"]
    assert (line.default, line.payload, line.verdict, line.nodes) == (None,) * 3 + (0,)


def test_drafts_are_counted_by_document(made: Cluster):
    made.kp("entry", "add", "web", "next", "--like", "production")
    made.kp("image", "set", "db", "--params", "quiet", user="Bob Y")
    made.kp("node", "set", "n[01-03]", "--var", "k=v", user="Bob Y")
    assert [(each.user, each.edits) for each in looked(made).drafts] == [
        ("Bob Y", 4),
        ("ann", 1),
    ]
    site = OpenSite(made.site)
    for line in looked(made).drafts:
        draft = drafts.load(site.repository, line.user, site.tip())
        assert draft
        assert len(draft.changes) == line.edits


CONDITIONS = {
    "live": lambda made: None,
    "absent": lambda made: (made.tftp / "kp").rename(made.tftp / "gone"),
    "lagging": lambda made: (made.tftp / "kp/live").unlink(),
    "ahead": lambda made: _identity(made, site="f" * 32),
    "on hold": lambda made: _identity(made, hold="being mended"),
    "disabled": lambda made: made.kp("target", "disable", "boot1", "-m", "x"),
}


def _identity(made: Cluster, **changed: str) -> None:
    file = made.tftp / "kp/TARGET"
    file.write_text(json.dumps({**json.loads(file.read_text()), **changed}))


@pytest.mark.parametrize("condition", CONDITIONS)
def test_conditions_of_a_target(made: Cluster, condition: str):
    CONDITIONS[condition](made)
    lines = {each.target: each for each in looked(made).targets}
    assert lines["boot1"].condition == condition
    assert lines["web-tree"].condition == "live"
    if condition not in ("absent", "disabled", "lagging"):
        assert lines["boot1"].live == lines["web-tree"].live
    status = {"live": 0, "disabled": 0, "on hold": 0, "ahead": 4}.get(condition, 6)
    made.kp("status", expected=status)


def test_what_a_target_serves_is_a_revision_and_whose(made: Cluster):
    """Not always main's: a commit that changes nothing there leaves it as it is."""
    made.kp("image", "set", "db", "--params", "quiet", "-m", "x", user="bob")
    last = made.kp("node", "set", "n01", "--var", "k=v", "-m", "x", "--json").json
    found = {each.target: each for each in looked(made).targets}
    serves = {name: (each.revision, each.by) for name, each in found.items()}
    assert serves["boot1"] == (last["revision"], "ann")
    assert serves["db-tree"] == (f"r{int(last['revision'][1:]) - 1}", "bob")
    shown = made.kp("status").out
    assert f"{serves['db-tree'][0]} by bob " in shown
    assert found["db-tree"].live not in shown
    for words in (("publish",), ("why", "n01")):
        assert f"boot1: live {last['revision']} by ann\n" in made.kp(*words).out


def test_what_only_a_lost_site_knew_is_a_revision_of_nobody(made: Cluster):
    shutil.copytree(made.site, made.where / "backup", symlinks=True)
    lost = made.kp("image", "set", "web", "--params", "quiet", "-m", "x", "--json").json
    shutil.rmtree(made.site)
    (made.where / "backup").rename(made.site)
    [line] = [each for each in looked(made).targets if each.target == "boot1"]
    assert (line.condition, line.revision, line.by) == ("ahead", lost["revision"], None)
    assert f" {lost['revision']}  " in made.kp("status", expected=4).out


def test_a_target_whose_identity_can_not_be_read_is_absent_and_says_so(made: Cluster):
    (made.tftp / "kp/TARGET").write_text("{")
    [line] = [each for each in looked(made).targets if each.target == "boot1"]
    assert line.condition == "absent"
    [found] = line.drift
    assert found.path == "kp/TARGET"
    assert "TARGET is not as kp wrote it" in found.detail


def test_a_target_without_a_path_on_this_server(made: Cluster):
    (made.site / "kp.toml").unlink()
    assert {each.condition for each in looked(made).targets} == {"absent"}
    assert {each.path for each in looked(made).targets} == {None}


def test_a_disabled_target_says_what_it_serves_and_since_when(made: Cluster):
    (before,) = [each for each in looked(made).targets if each.target == "boot1"]
    made.kp("target", "disable", "boot1", "-m", "being rebuilt")
    made.kp("image", "set", "web", "--add-param", "nosmt", "-m", "not for boot1")
    (after,) = [each for each in looked(made).targets if each.target == "boot1"]
    assert after.since
    served = ("live", "revision", "by", "since")
    for field in served:
        assert getattr(after, field) == getattr(before, field)
    said = f"{before.revision} by ann since {before.since}"
    assert said in made.kp("status").out
    listed = {each["target"]: each for each in made.json("target", "list")}
    assert [listed["boot1"][field] for field in served] == [
        getattr(before, field) for field in served
    ]
    said = f"disabled, serves {before.revision} since {before.since}"
    assert said in made.kp("target", "list").out


def test_a_disabled_target_that_is_not_there_serves_nothing(made: Cluster):
    made.kp("target", "disable", "boot1", "-m", "its disk is gone")
    (made.tftp / "kp").rename(made.tftp / "gone")
    (found,) = [each for each in looked(made).targets if each.target == "boot1"]
    assert (found.condition, found.live, found.since) == ("disabled", None, None)
    assert "disabled, serves nothing" in made.kp("target", "list").out
