"""`kp demo`: the story is told to its end, and leaves a site to play with."""

from pathlib import Path

from kpcmd.demo.boots import boot_all
from support.cli import ok, run


def test_the_story(tmp_path: Path):
    place = tmp_path / "demo"
    done = ok(Path("/nowhere"), "demo", str(place))
    told = [line for line in done.err.splitlines() if line.startswith("# The nodes")]
    assert told == [
        "# The nodes of web boot 6.1.0-28: 20 of 20 come up.",
        "# The nodes of web boot 6.12.9-1: 0 of 20 come up.",
        "# The nodes of web boot 6.1.0-28: 20 of 20 come up.",
    ]
    site = place / "site"
    log = ok(site, "log", "--json").json
    assert [each["op"] for each in log] == [
        "rollback",
        "commit",
        "good",
        "commit",
        "init",
    ]
    assert ok(site, "status", "--json").json["drift"] == []
    assert len(ok(site, "node", "list", "--json").json) == 40
    assert boot_all(place / "tftp", range(1, 21)) == ("6.1.0-28", 20, 20)


def test_the_commands_that_it_ends_with_work(tmp_path: Path):
    place = tmp_path / "demo"
    done = ok(Path("/nowhere"), "demo", str(place))
    worth = [line.strip() for line in done.out.splitlines() if line.startswith("  kp ")]
    assert len(worth) == 3
    for line in worth:
        words = line.removeprefix("kp ").partition("   ")[0].split()
        ok(place / "site", *words)


def test_only_an_empty_directory_is_taken(tmp_path: Path):
    (tmp_path / "mine").touch()
    refused = run(Path("/nowhere"), "demo", str(tmp_path))
    assert refused.status == 1
    assert "is not empty" in refused.err
    assert [each.name for each in tmp_path.iterdir()] == ["mine"]


def test_json_is_one_document(tmp_path: Path):
    done = ok(Path("/nowhere"), "demo", str(tmp_path / "demo"), "--json")
    assert done.json["site"] == str(tmp_path / "demo/site")
