"""The contract of `kp`: exit statuses, stdout and stderr, the keys of --json."""

import json
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from kpcmd.demo.cluster import OLD
from kpcmd.registry import VERBS
from kpstore.disk.locks import SiteLock
from kpstore.formats import samples
from support.cli import Cluster, as_installed, copy, digest, ok, run, template

COMMIT = {"revision", "commit", "targets", "nodes_changed"}
TARGET = {"name", "live", "files_written"}
PLAN = {"plan", "base", "targets", "nodes", "nodes_changed"}
HEX = "0123456789abcdef"


@pytest.fixture(scope="module")
def shared(tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    """A cluster that is read only."""
    where = tmp_path_factory.mktemp("contract") / "cluster"
    made = copy(template(tmp_path_factory.getbasetemp()), where)
    made.kp("next", "n02", "--entry", "production", "--add-param", "single")
    return made


@pytest.fixture
def made(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")


# --- what can be asked: data on stdout, exit 0, one document with --json

LISTS = {
    "target list": "target kind loaders image enabled options root "
    "live revision by since",
    "image list": "image arch default entries kernels",
    "node list n[01-03]": "name macs ips image index vars params next",
    "kernel list web": "kernel kind release arch features origin artifacts entries",
    "entry list web": "entry default method kernel xen ssi params payload verdict",
    "group list": "group nodes params priority",
    "verdict list": "payload image verdict by since revision reason kin evidence",
    "next --list": "node image entry params once until",
    "log": "revision commit time author op subject",
    "diff r1 r2": "document field old new",
    "diff r1 r2 --rendered": "file old new",
    "blame web production": "document field old new revision author time",
    "verify": "target condition findings",
    "verify --quick": "target condition findings",
}
SHOWN = {
    "status": "site revision commit time author subject images targets draft drift",
    "image show web": "image arch default entries kernels params",
    "node show n01": "name macs ips image index vars params next",
    "kernel show web 6.1.0-28": "kernel kind release arch features origin artifacts",
    "entry show web production": "image entry payload kernel initrd xen cmdline",
    "group show rack1": "group nodes params priority members",
    "why n01": "node image template groups reason entry last served",
    "show r2": "revision commit author op subject nodes images argv host changes",
    "at r2 --node n01": "revision commit reason entry",
    "at HEAD --image web": "revision commit reason entry",
    "plan": "plan base changes targets nodes nodes_changed",
    "gc --dry-run": "removed would_remove",
    "schema node": "properties title type",
}


@pytest.mark.parametrize("words", LISTS)
def test_a_list_is_an_array_of_objects(shared: Cluster, words: str):
    listed = shared.json(*words.split())
    assert listed
    assert {frozenset(each) for each in listed} == {frozenset(LISTS[words].split())}
    plain = shared.kp(*words.split())
    assert plain.out.strip()
    assert plain.err == ""


@pytest.mark.parametrize("words", SHOWN)
def test_what_is_shown_is_one_object(shared: Cluster, words: str):
    assert shared.json(*words.split()).keys() >= set(SHOWN[words].split())
    plain = shared.kp(*words.split())
    assert plain.out.strip()
    assert plain.err == ""


def test_lists_hold_what_there_is(shared: Cluster):
    names = [each["target"] for each in shared.json("target", "list")]
    assert names == ["boot1", "db-tree", "edge-tree", "web-tree"]
    assert len(shared.json("node", "list")) == 40
    assert len(shared.json("node", "list", "@rack1", "n40")) == 21
    assert len(shared.json("node", "list", "--image", "edge")) == 8
    assert [each["revision"] for each in shared.json("log", "-n", "2")] == ["r4", "r3"]
    assert {each["verdict"] for each in shared.json("verdict", "list", "web")} == {
        "good"
    }


def test_global_options_stand_before_and_after_the_verb(shared: Cluster):
    after = shared.kp("image", "list", "--json").out
    for argv in (("--json", "image", "list"), ("image", "--json", "list")):
        assert shared.kp(*argv).out == after
    site = ("--site", str(shared.site))
    for argv in (
        (*site, "image", "list", "--json"),
        ("image", "list", "--json", *site),
    ):
        assert ok(Path("/nowhere"), *argv).out == after


def test_an_entry_as_a_node_boots_it(shared: Cluster):
    shown = shared.json("entry", "show", "db", "production", "--node", "n21")
    assert (shown["image"], shown["entry"], shown["xen"]) == ("db", "production", None)
    assert shown["cmdline"] == "root=/dev/sda1 ro panic=30 console=ttyS1,115200n8"
    assert shown["kernel"].keys() >= {"sha256", "path", "tree_path"}
    for file in (shown["kernel"], *shown["initrd"]):
        assert (shared.tftp / file["path"].lstrip("/")).is_file()
        assert (shared.tree("db") / file["tree_path"].lstrip("/")).is_file()


def test_a_next_boot_is_told_apart_from_its_node(made: Cluster):
    made.kp("entry", "add", "web", "rescue", "--like", "production", "-m", "x")
    made.kp("node", "set", "n01", "--add-param", "mine", "-m", "x")
    made.kp("next", "n01", "--entry", "rescue", "--add-param", "single")
    entry = made.json("why", "n01")["entry"]
    origins = {each["token"]: each["origin"] for each in entry["params"]}
    assert (origins["mine"], origins["single"]) == ("node n01", "next boot of n01")
    assert "  single  from next boot of n01\n" in made.kp("why", "n01").out
    show = ("entry", "show", "web")
    assert made.json(*show, "rescue", "--node", "n01")["cmdline"] == entry["cmdline"]
    assert entry["cmdline"].endswith(" mine single")
    other = made.json(*show, "production", "--node", "n01")["cmdline"]
    assert other.endswith(" mine")  # without what the next boot adds to rescue
    made.kp("next", "n01", "--clear")
    assert made.json("why", "n01")["entry"]["cmdline"] == other


@pytest.mark.parametrize("verb", VERBS)
def test_help_has_examples_and_exit_statuses(shared: Cluster, verb: str):
    text = shared.kp(verb, "--help").out
    verbs = [
        line.split()[0] for line in text.partition("Commands:")[2].splitlines()[1:]
    ]
    pages = [shared.kp(verb, each, "--help").out for each in verbs] or [text]
    assert all("Examples:" in page and "Exit status:" in page for page in pages)


def test_version_and_no_arguments(shared: Cluster):
    assert shared.kp("--version").out.startswith("kp ")
    assert run(shared.site).status == 2


# --- edits: the draft, -m, -n, plan, commit


def _is_commit(made: Cluster, done: dict[str, Any], revision: str) -> None:
    assert done.keys() >= COMMIT
    assert (done["revision"], done["commit"]) == (revision, made.main())
    assert all(target.keys() >= TARGET for target in done["targets"])
    assert all(set(target["live"]) <= set(HEX) for target in done["targets"])


def test_a_draft_becomes_a_plan_and_a_commit(made: Cluster):
    before = (made.main(), made.served())
    edit = made.kp("image", "set", "web", "--params", "a=1")
    assert edit.err == "not live: kp plan, kp commit\n"
    assert made.json("image", "set", "db", "--params", "a=1")["draft"]["edits"]
    assert made.json("diff")[0]["new"] == ["a=1"]
    made.kp("plan", "--detailed-exitcode", expected=10)
    plan = made.json("plan")
    assert plan.keys() >= PLAN
    assert (plan["base"], plan["nodes"]) == (before[0], "n[01-32]")
    assert all(each.keys() >= {"name", "write", "remove"} for each in plan["targets"])
    assert (made.main(), made.served()) == before
    made.kp("image", "set", "edge", "--params", "a=1")
    stale = run(made.site, "commit", "--plan", plan["plan"], "-m", "x", "--json")
    assert (stale.status, stale.error["code"]) == (3, "conflict")
    plan = made.json("plan")
    argv = ("commit", "--plan", plan["plan"], "-m", "as seen", "--ticket", "OPS-1")
    done = made.json(*argv, "--author", "Bea")
    _is_commit(made, done, "r4")
    assert done["nodes_changed"] == plan["nodes_changed"] == 40
    shown = made.json("show")
    assert (shown["ticket"], shown["author"]) == ("OPS-1", "Bea")
    for target in plan["targets"]:
        place = (
            made.tftp if target["name"] == "boot1" else made.tree(target["name"][:-5])
        )
        assert all((place / path).exists() for path in target["write"])
    assert made.json("plan")["changes"] == []
    made.kp("plan", "--detailed-exitcode")
    assert made.json("commit", "-m", "again")["revision"] is None


def test_an_edit_with_a_message_is_live_at_once(made: Cluster):
    done = made.json(
        "entry", "set", "web", "production", "--add-param", "b=1", "-m", "b"
    )
    _is_commit(made, done, "r4")
    assert done["nodes_changed"] == 20
    assert {target["live"] for target in done["targets"]} >= {made.main()}
    assert made.json("show")["subject"] == "b"
    same = made.json(
        "entry", "set", "web", "production", "--add-param", "b=1", "-m", "b"
    )
    assert (same["revision"], same["commit"]) == (None, None)


def test_a_dry_run_changes_nothing(made: Cluster):
    before = (made.main(), made.served())
    for words in (
        "image set web --params a=1 -n",
        "image set web --params a=1 -n -m x",
        "next n01 --entry production --add-param a=1 -n",
        "revert r2 -m x -n",
        "node rm n01 -n",
    ):
        made.json(*words.split())
    assert (made.main(), made.served()) == before
    assert made.json("plan")["changes"] == []


def test_a_dry_run_without_a_message_is_of_the_draft(made: Cluster):
    made.kp("image", "add", "new", "--arch", "x86_64")
    made.kp("entry", "set", "web", "production", "--add-param", "drafted")
    git, settings = digest(made.site / "state.git"), made.site / "kp.toml"
    paths = settings.read_text()
    shown = made.json("node", "set", "n[21-22]", "--image", "new", "-n")
    assert shown["edits"] == ["node n21", "node n22"]
    assert shown["changes"] == [
        "entry web/production",
        "image new",
        "node n21",
        "node n22",
    ]
    assert (shown["nodes"], shown["nodes_changed"]) == ("n[01-22]", 22)
    plain = made.kp(
        "entry", "set", "web", "production", "--remove-param", "drafted", "-n"
    )
    assert plain.out.startswith("this would change: entry web/production\n")
    refused = run(made.site, "default", "new", "nope", "-n")
    assert refused.status == 1
    root = made.where / "tftp2"
    root.mkdir()
    add = ("target", "add", "boot2", "--kind", "tftp", "--root", str(root))
    made.kp(*add, "--loader", "grub", "-n")
    assert list(root.iterdir()) == []
    assert (digest(made.site / "state.git"), settings.read_text()) == (git, paths)
    beside = ("image", "set", "db", "--params", "a=1", "-m", "x", "-n")
    assert made.json(*beside)["edits"] == ["image db"]


def test_a_dry_run_waits_for_nobody(made: Cluster):
    made.kp("image", "set", "web", "--params", "a=2", "-m", "to be undone")
    with held(made.site):
        made.kp("image", "set", "web", "--params", "a=1", "-n")
        made.kp("image", "set", "web", "--params", "a=1", "-n", "-m", "x")
        made.kp("next", "n01", "--entry", "production", "--add-param", "a=1", "-n")
        made.kp("revert", "HEAD", "-m", "x", "-n")
        made.kp("rollback", "web", "--to", "r2", "-n")


def test_an_author_is_kept_as_git_keeps_one(made: Cluster):
    made.kp("image", "set", "web", "--params", "a=1")
    for bad in ("Bea <bea>", "Bea <b@x", "<b@x>", "B\nea <b@x>"):
        refused = run(made.site, "commit", "-m", "x", "--author", bad, "--json")
        assert (refused.status, refused.error["code"]) == (1, "invalid")
        assert refused.error["hint"]
    made.kp("commit", "-m", "x", "--author", "Bea Ott <bea@site.example>")
    log = [
        "git",
        "-C",
        str(made.site / "state.git"),
        "log",
        "-1",
        "--format=%an|%ae|%cn",
    ]
    said = subprocess.run([*log, "main"], check=True, capture_output=True, text=True)
    assert said.stdout == "Bea Ott|bea@site.example|kp\n"
    assert made.json("log", "--author", "Bea Ott")[0]["author"] == "Bea Ott"
    assert made.json("show")["author"] == "Bea Ott"


def test_a_message_beside_a_draft_of_the_same_is_a_conflict_and_discard_ends_it(
    made: Cluster,
):
    made.kp("image", "set", "web", "--params", "a=1")
    for more in ((), ("-n",)):
        words = ("image", "set", "web", "--params", "a=2", "-m", "x", "--json", *more)
        refused = run(made.site, *words)
        assert (refused.status, refused.error["code"]) == (3, "conflict")
        assert "params is a=2 by this edit, a=1 in your" in refused.error["message"]
    made.kp("image", "set", "db", "--params", "a=1", "-m", "of another image")
    main = made.main()
    made.kp("next", "n01", "--entry", "production")  # beside every draft
    assert made.main() != main
    assert len(made.json("plan")["changes"]) == 1
    assert made.json("plan", "--json")["nodes_changed"] == 20
    assert made.json("discard") == {"discarded": True}
    assert made.json("discard") == {"discarded": False}
    assert made.json("plan")["changes"] == []


def test_drafts_are_one_a_user_and_clash_by_field(made: Cluster):
    made.kp("image", "set", "web", "--params", "a=1")
    made.kp("image", "set", "web", "--params", "a=2", "-m", "bob's", user="bob")
    clash = run(made.site, "commit", "-m", "x", "--json")
    assert (clash.status, clash.error["code"]) == (3, "conflict")
    assert "params" in clash.error["message"]
    assert made.json("plan", expected=3)["error"]["code"] == "conflict"
    made.kp("plan", user="bob")


def test_nodes_are_named_and_counted_first(made: Cluster):
    said = made.kp("node", "set", "n[01-03]", "n05", "--var", "a=b")
    assert said.err.splitlines()[0] == "4 nodes: n[01-03,05]"
    quiet = made.kp("node", "set", "n[01-03]", "--var", "a=c", "-q")
    assert quiet.err == ""


# --- judging and going back


def test_rollback_and_verdicts(made: Cluster):
    made.kp("entry", "add", "web", "new", "--like", "production", "--params", "x=1")
    made.kp("default", "web", "new")
    made.kp("commit", "-m", "new")
    main, served = made.main(), made.served()
    dry = made.json("rollback", "web", "-n")
    assert (dry["revision"], dry["nodes_changed"]) == (None, 20)
    assert (made.main(), made.served()) == (main, served)
    _is_commit(made, made.json("rollback", "web", "-m", "back"), "r5")
    assert made.json("entry", "list", "web")[0]["default"]
    refused = run(made.site, "revert", "HEAD", "-m", "undo", "--json")
    assert (refused.status, refused.error["code"]) == (1, "needs-confirmation")
    undone = made.json("revert", "HEAD", "-m", "undo", "--force", "a cable")
    _is_commit(made, undone, "r6")
    assert made.json("entry", "list", "web")[0]["verdict"] == "bad"
    verdict = run(made.site, "revert", "r3", "-m", "undo", "--json")
    assert (verdict.status, verdict.error["code"]) == (1, "refused")
    assert "kp good IMAGE" in verdict.error["hint"]


def test_good_and_bad_are_commits(made: Cluster):
    _is_commit(made, made.json("bad", "web", "-m", "hangs"), "r4")
    assert made.json("entry", "list", "web")[0]["verdict"] == "bad"
    _is_commit(made, made.json("good", "web", "-m", "a cable"), "r5")
    assert made.json("good", "--all", "-m", "all")["revision"] in (None, "r6")


def test_a_verdict_says_where_else_the_payload_is_default(made: Cluster):
    """Web and db boot the same kernel and parameters: they share one payload."""
    made.kp("entry", "add", "web", "other", "--like", "production", "-m", "x")
    done = made.json("bad", "web", "other", "-m", "it hangs")
    too = "its default production is known bad now, too"
    assert done["notes"] == [
        f"image {image}: {too}: it is the same payload" for image in ("db", "web")
    ]
    assert made.json("entry", "list", "db")[0]["verdict"] == "bad"
    done = made.json("good", "db", "-m", "it was a cable")
    assert done["notes"] == [
        "image web: its default production is known good now, too: it is the same "
        "payload"
    ]
    made.kp("image", "set", "db", "--params", "a=1", "-m", "a payload of its own")
    assert made.json("bad", "web", "-m", "it hangs")["notes"] == []


def test_bad_is_of_the_kernel_with_another_initrd_too(made: Cluster):
    tree = made.where / "images/db2"
    shutil.copytree(made.tree("db"), tree, symlinks=True)
    as_installed(tree, OLD)
    initrd = samples.initrd(OLD, modules=("nfs",))
    (tree / f"boot/initrd.img-{OLD}").write_bytes(initrd)
    made.kp("image", "add", "db2", "--tree", str(tree), "-m", "another initrd")
    made.kp("image", "set", "web", "--params", "a=1", "-m", "a payload of its own")
    assert made.json("bad", "db", "-m", "it hangs")["notes"] == [
        "image db2: its default production is known bad now, too: it is that kernel "
        "with another initrd"
    ]


# --- targets that lag, drift, are gone


def test_drift_is_4_and_publish_repairs_it(made: Cluster):
    config = made.tree("web") / "boot/grub/grub.cfg"
    meant = config.read_bytes()
    config.write_bytes(b"# theirs\n")
    found = made.json("verify", expected=4)
    assert [each["findings"] != [] for each in found] == [False, False, False, True]
    made.kp("publish", "web-tree")
    assert config.read_bytes() == meant
    made.kp("verify")


def test_without_a_target_is_6_until_it_is_published(made: Cluster):
    made.kp("image", "set", "web", "--params", "a=1")
    done = made.json("commit", "--without", "web-tree", "-m", "x", expected=6)
    lagging = {each["name"]: each["condition"] for each in done["targets"]}
    assert lagging["web-tree"] == "lagging"
    assert made.json("status", expected=6)["lagging"] == ["web-tree"]
    made.kp("publish", expected=6)
    made.kp("publish", "web-tree")
    assert made.json("status")["lagging"] == []


def test_targets_come_and_go(made: Cluster):
    made.kp("target", "disable", "edge-tree", "-m", "rebuilt")
    listed = {each["target"]: each["enabled"] for each in made.json("target", "list")}
    assert not listed["edge-tree"]
    made.kp("target", "enable", "edge-tree", "-m", "back")
    made.kp("status")
    made.kp("target", "rm", "boot1", "-m", "gone")
    assert "boot1" not in [each["target"] for each in made.json("target", "list")]
    assert "boot1" not in (made.site / "kp.toml").read_text()


@contextmanager
def held(site: Path) -> Iterator[None]:
    """Another writer, who holds the site's lock for the block."""
    taken, over = threading.Event(), threading.Event()

    def hold() -> None:
        with SiteLock(site / "lock", holder="bob on head").hold(0, print):
            taken.set()
            over.wait()

    thread = threading.Thread(target=hold)
    thread.start()
    assert taken.wait(600)
    try:
        yield
    finally:
        over.set()
        thread.join()


def test_a_held_lock_is_75(made: Cluster):
    with held(made.site):
        late = run(made.site, "commit", "--wait", "0", "-m", "x", "--json")
        asked = run(made.site, "status")
    assert (late.status, late.error["code"]) == (75, "locked")
    assert "bob on head" in late.error["message"]
    assert asked.status == 0  # readers take no lock


def test_json_is_the_only_thing_on_stdout(made: Cluster):
    done = made.kp("image", "set", "web", "--params", "a=1", "-m", "x", "--json")
    assert json.loads(done.out)
    assert done.out.endswith("}\n")


def test_groups_reach_a_node_without_an_image_where_an_entry_is_named(made: Cluster):
    made.kp("node", "add", "spare", "--mac", "02:00:00:00:09:99", "-m", "x")
    made.kp(
        "group", "add", "g9", "--nodes", "spare", "--add-param", "nine=9", "-m", "x"
    )
    shown = made.json("entry", "show", "web", "production", "--node", "spare")
    assert "nine=9" in shown["cmdline"]
