"""`kp site`: settings are edited like all else, and checked against all nodes."""

from pathlib import Path

import pytest

from support.cli import Cluster, copy, run, template


@pytest.fixture
def made(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")


@pytest.mark.parametrize(
    ("given", "field", "value"),
    [
        ("--params-table 2", "params_table", 2),
        ("--append mymod.opt", "params_append", ["mymod.opt"]),
        ("--replace console", "params_replace", ["console"]),
        ("--name other", "name", "other"),
        ("--confirm-above 0", "confirm_above", 0),
        ("--unknown-nodes local", "unknown_nodes", "local"),
        (
            "--retention generations=4 --retention known-good=2 --retention grace=36h",
            "retention",
            {"generations": 4, "known_good": 2, "grace": 36 * 3600},
        ),
        (
            "--retention grace=90",
            "retention",
            {"generations": 10, "known_good": 3, "grace": 90},
        ),
        (
            "--variable slot=unique,1..48 --variable t=..-2 --remove-variable index",
            "variables",
            {
                "slot": {"unique": True, "minimum": 1, "maximum": 48},
                "t": {"unique": False, "minimum": None, "maximum": -2},
            },
        ),
    ],
)
def test_each_option_sets_its_field_and_no_other(
    made: Cluster, given: str, field: str, value: object
) -> None:
    before = made.json("site", "show")
    made.kp("site", "set", *given.split(), "-m", "settings")
    assert made.json("site", "show") == before | {field: value}
    assert made.json("log", "-n", "1")[0]["op"] == (
        "site set" if before[field] != value else "good"
    )


def test_what_is_shown_can_be_typed(made: Cluster) -> None:
    made.kp("site", "set", "--variable", "slot=unique,1..48", "--retention", "grace=2d")
    shown = made.kp("site", "show").out.splitlines()
    assert shown[3:] == [
        "confirm above  50 nodes",
        "retention      generations=10",
        "               known_good=3",
        "               grace=2d",
        "parameters     table 2",
        "variables      index=unique,0..",
        "               slot=unique,1..48",
    ]
    assert "draft" not in made.json("site", "show")
    made.kp("discard")
    assert "slot" not in made.kp("site", "show").out


def test_a_range_that_nodes_break_is_refused_and_names_them(made: Cluster) -> None:
    made.kp("node", "set", "n01", "n02", "--var", "slot=9", "-m", "slots")
    made.kp("node", "set", "n01", "--add-param", "slot={node.var.slot}", "-m", "used")
    refused = run(made.site, "site", "set", "--variable", "slot=1..8", "-m", "x")
    assert refused.status == 1
    assert "node n01: var.slot is 9, outside 1..8" in refused.err
    refused = run(made.site, "site", "set", "--variable", "slot=unique", "-m", "x")
    assert refused.status == 1
    assert "n01 and of n02" in refused.err
    made.kp("site", "set", "--variable", "slot=1..9", "-m", "x")


def test_a_dry_run_and_a_draft_say_what_would_change(made: Cluster) -> None:
    planned = made.json("site", "set", "--confirm-above", "9", "-n")
    assert (planned["edits"], planned["nodes_changed"]) == (["site"], 0)
    said = made.kp("site", "set", "--confirm-above", "9")
    assert "draft: site" in said.out
    assert "confirm_above" in made.kp("diff").out


def test_above_the_limit_a_person_is_asked(made: Cluster) -> None:
    made.kp("site", "set", "--confirm-above", "5", "-m", "ask sooner")
    words = "image", "set", "web", "--params", "quiet", "-m", "x"
    asked = run(made.site, *words, terminal=True)
    assert "20 nodes change" in asked.err
    assert made.json("log", "-n", "1")[0]["subject"] == "ask sooner"


def test_how_a_line_is_read_is_explained(made: Cluster) -> None:
    line = 'ro root=LABEL=a console=ttyS0 dyndbg="file a.c +p"'
    found = made.json("params", "explain", line)
    assert [each["token"] for each in found] == [
        *("ro", "root=LABEL=a", "console=ttyS0", "dyndbg=file a.c +p")
    ]
    assert [each["kind"] for each in found] == [
        *("together", "replace", "append", "append")
    ]
    made.kp("site", "set", "--replace", "console")
    [shown] = made.kp("params", "explain", "console=ttyS0").out.splitlines()[1:]
    assert shown.split(None, 3) == [
        *("console=ttyS0", "console", "replace", "this site's settings")
    ]
    refused = run(made.site, "params", "explain", "a={b}")
    assert refused.status == 1
    assert "a={b}" in refused.err
    assert made.json("params", "explain", "") == []


PARAMS = "console=tty0 ro console=ttyS0"


def of_table_1(made: Cluster) -> None:
    """A site of before, as an upgrade finds it; what its image boots is good."""
    made.kp("site", "set", "--params-table", "1", "-m", "as before")
    made.kp("image", "set", "web", "--params", PARAMS)
    made.kp("entry", "set", "web", "production", "--params", "rw")
    made.kp("node", "set", "n01", "--add-param", "console=tty0")
    made.kp("commit", "-m", "lines")
    made.kp("good", "web", "-m", "runs")


def test_another_table_shows_the_lines_and_counts_the_nodes(made: Cluster) -> None:
    of_table_1(made)
    lines = [
        f"web/production (nodes: 19): '{PARAMS} rw' becomes "
        "'console=tty0 rw console=ttyS0'",
        f"web/production (nodes: 1): '{PARAMS} rw' becomes "
        "'rw console=ttyS0 console=tty0'",
        "web/production was known good and is of no verdict: its payload is another",
    ]
    words = "site", "set", "--params-table", "2"
    planned = made.json(*words, "-n")
    assert (planned["nodes"], planned["nodes_changed"]) == ("n[01-20]", 20)
    assert sorted(planned["warnings"]) == sorted(lines)
    made.kp(*words)
    plan = made.kp("plan")
    assert all(line in plan.err for line in lines)
    assert "20 nodes would boot differently" in plan.out
    done = made.kp("commit", "-m", "as they are read", "--json").json
    assert sorted(done["warnings"]) == sorted(lines)
    assert done["nodes_changed"] == 20
    assert made.kp("verify").status == 0


def test_what_is_known_bad_by_the_other_table_takes_force(made: Cluster) -> None:
    of_table_1(made)
    made.kp("site", "set", "--params-table", "2", "-m", "as they are read")
    made.kp("bad", "web", "-m", "it hangs")
    made.kp("site", "set", "--params-table", "1", "-m", "back")
    words = "site", "set", "--params-table", "2", "-m", "again"
    refused = run(made.site, *words)
    assert refused.status == 1
    assert "known bad" in refused.err
    made.kp(*words, "--force", "it was a cable")


def test_a_key_of_this_site_s_own_kind(made: Cluster) -> None:
    made.kp("image", "set", "web", "--params", "x=1 x=2", "-m", "two of them")
    made.kp("entry", "set", "web", "production", "--params", "x=3", "-m", "a third")
    planned = made.json("site", "set", "--append", "x", "-n")
    assert planned["nodes_changed"] == 20
    assert (
        "web/production (nodes: 20): 'x=3' becomes 'x=1 x=2 x=3'"
        in (planned["warnings"])
    )
    made.kp("site", "set", "--append", "x", "--together", "y z", "-m", "they add up")
    assert "table 2; append x; together y z" in made.kp("site", "show").out
    refused = run(made.site, "site", "set", "--append", "x", "--replace", "x", "-m", "")
    assert "two kinds" in refused.err
    made.kp("site", "set", "--by-table", "x", "--by-table", "y", "-m", "no more")
    assert "parameters     table 2\n" in made.kp("site", "show").out


def test_what_is_required_is_held_to_and_a_rollback_says_it(made: Cluster) -> None:
    refused = run(made.site, "site", "set", "--require-param", "crashkernel", "-m", "x")
    assert refused.status == 1
    for image in ("web", "db", "edge"):
        said = f"{image}/production is booted without crashkernel, which the site"
        assert said in refused.err
    for image in ("web", "db", "edge"):
        made.kp("image", "set", image, "--add-param", "crashkernel=256M")
    made.kp("site", "set", "--require-param", "crashkernel")
    made.kp("commit", "-m", "dumps are wanted")
    assert "required       crashkernel" in made.kp("site", "show").out
    words = "image", "set", "web", "--remove-param", "crashkernel", "-m", "x"
    assert "which the site requires" in run(made.site, *words).err
    words = "node", "set", "n01", "--without-param", "crashkernel", "-m", "x"
    assert "which the site requires" in run(made.site, *words).err
    first = made.json("log", "--op", "good")[0]["revision"]
    back = made.json("rollback", "web", "--to", first)
    assert back["nodes_changed"] == 20
    [said] = [note for note in back["notes"] if "a commit would be refused" in note]
    assert "web/production is booted without crashkernel, which the site" in said
    made.kp("node", "set", "n01", "--var", "k=v", "-m", "the next commit goes through")
    made.kp("site", "set", "--allow-param", "crashkernel", "-m", "no more")
    assert "required" not in made.kp("site", "show").out


def test_an_image_forbids_a_value_and_allows_others(made: Cluster) -> None:
    forbid = "image", "set", "web", "--forbid-param", "mitigations=off", "-m", "x"
    made.kp(*forbid)
    assert made.json("image", "show", "web")["forbidden_params"] == ["mitigations=off"]
    for place in ("image set web", "entry set web production", "node set n01"):
        words = [*place.split(), "--add-param", "mitigations=off", "-m", "x"]
        refused = run(made.site, *words)
        assert refused.status == 1
        assert "with mitigations=off, which image web forbids" in refused.err
    made.kp("next", "n21", "--entry", "production", "--add-param", "mitigations=off")
    refused = run(made.site, "next", "n21", "--entry", "web/production")
    assert refused.status == 0
    made.kp("image", "set", "web", "--add-param", "mitigations=auto", "-m", "x")
    made.kp(
        "image", "set", "web", "--require-param", "mitigations=off", "-n", expected=1
    )
