"""`kp doctor`: what is amiss is found, and a mend is named for each."""

import re
import shutil
import sqlite3
import subprocess
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from support import tftpd
from support.cli import Cluster, copy, template


@pytest.fixture
def made(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")


def examined(made: Cluster, *argv: str, expected: int = 0) -> list[dict[str, Any]]:
    """Return the findings that aren't ok, of a doctor who has a TFTP server."""
    with tftpd.serving(tftpd.of(made.tftp)) as address:
        found = made.json("doctor", "--tftp", address, *argv, expected=expected)
    assert all(each["mend"] for each in found if each["level"] != "ok")
    return [
        each
        for each in found
        if each["level"] != "ok" and each["about"] != "tools"  # of this machine
    ]


def test_a_sound_site_is_sound(made: Cluster):
    assert examined(made) == []
    assert examined(made, "--deep") == []


def test_a_menu_and_a_kernel_are_fetched_by_every_loader(made: Cluster):
    asked: list[str] = []

    def answer(path: str) -> bytes:
        asked.append(path)
        return tftpd.of(made.tftp)(path)

    with tftpd.serving(answer) as address:
        made.kp("doctor", "--tftp", address)
    folders = [path.strip("/").split("/")[0] for path in asked]
    assert folders == ["pxelinux.cfg", "grub", "ipxe", "kp"]
    assert asked[-1].endswith("/vmlinuz")


def test_no_server_is_said_and_no_fault_of_the_site(made: Cluster):
    with tftpd.serving(tftpd.of(made.tftp)) as address:
        pass
    found = made.json("doctor", "--tftp", address)
    tftp = [each for each in found if each["about"] == "tftp"]
    assert [each["level"] for each in tftp] == ["note"]


def test_a_server_that_serves_elsewhere_is_found(made: Cluster, tmp_path: Path):
    other = tmp_path / "other"
    other.mkdir()
    with tftpd.serving(tftpd.of(other)) as address:
        found = made.json("doctor", "--tftp", address, expected=4)
    assert "No such file" in found[-1]["text"]
    assert "in.tftpd -s" in found[-1]["mend"]
    with tftpd.serving(lambda path: b"another menu\n") as address:
        found = made.json("doctor", "--tftp", address, expected=4)
    assert "is other bytes than" in found[-1]["text"]


def test_each_target_is_asked_for_at_its_own_server(made: Cluster, tmp_path: Path):
    """Two roots of one site: a server that serves the other's is found out."""
    options = ["--kind", "tftp", "--root", str(tmp_path / "boot2")]
    (tmp_path / "boot2").mkdir()
    made.kp("target", "add", "boot2", *options, "--loader", "grub", "-m", "two")
    (tmp_path / "boot2" / "grubx64.efi").write_bytes(b"a boot file")
    asked: list[str] = []

    def answer(path: str) -> bytes:
        asked.append(path)
        return tftpd.of(tmp_path / "boot2")(path)

    with tftpd.serving(answer) as two, tftpd.serving(tftpd.of(made.tftp)) as one:
        made.kp("target", "set", "boot2", "--server", two, "-m", "where it serves")
        said = made.json("doctor", "--tftp", one)
        assert all(each["level"] == "ok" for each in said if each["about"] == "tftp")
        assert "grubx64.efi" in [path.strip("/") for path in asked]
        made.kp("target", "set", "boot2", "--server", one, "-m", "a slip of the pen")
        found = made.json("doctor", "--tftp", one, expected=4)
    bad, *_ = [each for each in found if each["level"] == "bad"]
    assert "boot2: which target it is: kp/TARGET is other bytes" in bad["text"]


def first_artifact(made: Cluster) -> Path:
    shown = made.json("kernel", "show", "web", "6.1.0-28")
    sha256 = shown["artifacts"]["vmlinuz"]["sha256"]
    lfs = made.site / "state.git/lfs/objects"
    return lfs / sha256[:2] / sha256[2:4] / sha256


def test_a_missing_artifact(made: Cluster):
    first_artifact(made).unlink()
    [found] = examined(made, expected=4)
    assert "is missing" in made.kp("verify", expected=4).err
    assert found["about"] == "artifacts"
    assert "is missing" in found["text"]
    assert "with a backup of state.git: " in found["mend"]


def test_a_damaged_artifact_is_found_by_a_deep_look(made: Cluster):
    file = first_artifact(made)
    file.chmod(0o644)
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    assert examined(made) == []
    found = examined(made, "--deep", expected=4)
    assert {each["about"] for each in found} == {"artifacts"}


def test_an_empty_object_of_git(made: Cluster):
    objects = made.site / "state.git/objects/12"
    objects.mkdir(exist_ok=True)
    (objects / ("3" * 38)).touch()
    found = examined(made, expected=4)
    assert ["is empty" in each["text"] for each in found] == [True]


def test_a_lost_object_of_main(made: Cluster):
    shutil.rmtree(made.site / "state.git/objects" / made.main()[:2])
    for pack in (made.site / "state.git/objects/pack").iterdir():
        pack.unlink()
    done = made.kp("doctor", "--tftp", "127.0.0.1:1", expected=4)
    assert "is missing" in done.out
    verified = made.kp("verify", "--json", expected=4)
    assert verified.error["code"] == "drift"
    assert "history is not intact" in verified.error["message"]


def damage(made: Cluster, how: str) -> None:
    """Do something to main, from which nothing recovers by itself."""
    ref = made.site / "state.git/refs/heads/main"
    git = ["git", "-C", str(made.site / "state.git")]
    wanted = made.main() + ("^{tree}" if "tree" in how else "")
    parse = subprocess.run([*git, "rev-parse", wanted], capture_output=True, check=True)
    oid = parse.stdout.decode().strip()
    file = made.site / "state.git/objects" / oid[:2] / oid[2:]
    if "ref" in how:
        ref.unlink()
    if how == "garbage in the ref":
        ref.write_text("junk\n")
    if "lost" in how or "damaged" in how:
        file.unlink()
    if "damaged" in how:
        file.write_bytes(b"junk")


# The tip r5 adds nothing that a target serves.
DAMAGES = [
    "no ref",
    "garbage in the ref",
    "a lost commit",
    "a damaged commit",
    "a lost tree",
]


@pytest.mark.parametrize("way", ["clone", "back"])
@pytest.mark.parametrize("index", [True, False], ids=["index", "no index"])
@pytest.mark.parametrize("how", DAMAGES)
def test_what_the_doctor_says_can_be_typed(
    made: Cluster, how: str, index: bool, way: str
):
    made.kp("image", "add", "r4", "--arch", "x86_64", "-m", "r4")
    made.kp("image", "add", "r5", "--arch", "x86_64", "-m", "r5")
    source, clone = made.site / "state.git", made.where / "clone.git"
    subprocess.run(["git", "clone", "-q", "--mirror", source, clone], check=True)
    damage(made, how)
    if not index:
        (made.site / "cache/index.db").unlink()
    [mend] = [each["mend"] for each in examined(made, expected=4) if bad(each)]
    assert "kp doctor" not in mend
    commands = {
        "clone": re.search(
            r"with a clone of it: (rm .* fetch --refetch CLONE main)", mend
        ),
        "back": re.search(
            r"back to r\d, .*: ((?:rm .* && )?git .*) && kp publish$", mend
        ),
    }
    # Git's ways need a ref that leads somewhere; kp's index knows where it led.
    said = "ref" not in how if way == "clone" else index or how == "a lost tree"
    assert bool(commands[way]) == said
    if found := commands[way]:
        typed(found[1].replace("CLONE", str(clone)))
        newest = "r4" if way == "back" and "ref" not in how else "r5"
        if newest == "r4":  # a target that serves r5 is let go by name
            told = made.kp("publish", expected=4).out
            assert "kp publish boot1 --force" in told
            made.kp("publish", "boot1", "--force")
        made.kp("publish")
        assert made.json("log", "-n", "1")[0]["revision"] == newest
        assert not any(map(bad, examined(made)))
        made.kp("image", "set", "web", "--params", "x", "-m", "it goes on")
    elif not any(commands.values()):
        assert "from a backup, or a clone" in mend


def bad(finding: dict[str, Any]) -> bool:
    return finding["level"] == "bad"


def typed(command: str) -> None:
    subprocess.run(command, shell=True, check=True, capture_output=True)


def test_a_foreign_tip(made: Cluster, tmp_path: Path):
    """A commit that kp did not write is named, with the way to mend it."""
    git = ["git", "-C", str(made.site / "state.git")]
    person = ("-c", "user.name=x", "-c", "user.email=x@y")
    tree = "main^{tree}"
    made_by_hand = subprocess.run(
        [*git, *person, "commit-tree", tree, "-p", "main", "-m", "by hand"],
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()
    subprocess.run([*git, "update-ref", "refs/heads/main", made_by_hand], check=True)
    done = made.kp("doctor", "--tftp", "127.0.0.1:1", expected=4)
    assert "BAD   main: " in done.out
    assert "was not written by kp" in done.out
    back = re.search(r"back to r3, .*: (git .*) && kp publish", done.out)
    assert back
    refused = made.kp("image", "set", "web", "--params", "x", "-m", "y", expected=1)
    assert "kp doctor" in refused.err
    typed(back[1])
    assert examined(made) == []


def test_the_index_lock_and_drafts(made: Cluster):
    (made.site / "cache/index.db").unlink()
    (made.site / "state.git/refs/heads/main.lock").touch()
    found = examined(made)
    assert {each["about"] for each in found} == {"index", "lock"}


FLIPPED = {  # one bit of a row, as a disk flips it: no page is malformed
    "UPDATE nodes SET name = 'm01' WHERE name = 'n01'": "what m01 boots",
    "UPDATE uniques SET node = 'm01' WHERE node = 'n01'": "who has ",
    "UPDATE uniques SET value = replace(value, '02:', '03:')": "who has ",
    "UPDATE templates SET count = count + 1": "how many nodes boot alike",
    "UPDATE revisions SET author = 'bob' WHERE number = 2": "r2",
    "UPDATE revisions SET commit_id = replace(commit_id, 'a', 'b')": "r",
}


@pytest.mark.parametrize("sql", FLIPPED)
def test_an_index_that_says_otherwise_is_found_by_a_deep_look(made: Cluster, sql: str):
    with closing(sqlite3.connect(made.site / "cache/index.db")) as database:
        database.execute(sql)
        database.commit()
    found = examined(made, "--deep", expected=4)[0]  # then what is drawn by it
    assert found["about"] == "index"
    assert f"says of {FLIPPED[sql]}" in found["text"]
    typed(found["mend"].partition(" && kp publish")[0])
    made.kp("publish")
    assert examined(made, "--deep") == []


def test_targets_that_are_gone_or_foreign(made: Cluster):
    default = made.tftp / "pxelinux.cfg/default"
    default.unlink()
    default.write_text("DEFAULT mine\n", "utf-8")
    shutil.rmtree(made.tree("db"))
    found = examined(made, expected=4)
    by = {(each["about"], each["level"]) for each in found}
    assert ("target boot1", "bad") in by
    assert ("target db-tree", "bad") in by
    assert ("settings", "note") in by


def test_a_default_that_was_there_before_kp_is_kept_and_no_drift(made: Cluster):
    root = made.where / "old-tftp"
    theirs = root / "pxelinux.cfg/default"
    theirs.parent.mkdir(parents=True)
    theirs.write_text("DEFAULT mine\n", "utf-8")
    made.kp(
        *("target", "add", "old", "--kind", "tftp", "--root", str(root)),
        *("--loader", "pxelinux", "-m", "the old server"),
    )
    said = made.kp("verify").out
    assert "old: live, as committed\n  pxelinux.cfg/default: kept not kp's" in said
    found = {(each["about"], each["level"]) for each in examined(made, "--deep")}
    assert found == {("target old", "note")}
    made.kp("target", "adopt", "old")
    assert theirs.is_symlink()


def test_a_broken_kp_toml_does_not_end_the_visit(made: Cluster):
    (made.site / "kp.toml").write_text("[root]\n", "utf-8")
    done = made.kp("doctor", "--tftp", "127.0.0.1:1", expected=4)
    assert "unknown key 'root'" in done.out
    assert "ok    history: " in done.out
