"""`kp export`, `kp apply` and `kp edit`: objects as JSON documents."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from kpcmd.app import main
from kpcmd.context import World
from kpcmd.errors import CONFLICT
from support.cli import Cluster, copy, run, template

NONE = r'"params": \[\]'


@pytest.fixture
def made(tmp_path: Path, tmp_path_factory: pytest.TempPathFactory) -> Cluster:
    return copy(template(tmp_path_factory.getbasetemp()), tmp_path / "cluster")


def test_an_export_applied_changes_nothing(made: Cluster, tmp_path: Path) -> None:
    file = tmp_path / "site.json"
    file.write_text(made.kp("export").out, "utf-8")
    assert made.kp("export", "--json").out == file.read_text("utf-8")
    assert made.json("apply", "-f", str(file), "-n")["edits"] == []
    made.kp("apply", "-f", str(file))
    assert made.json("status")["draft"] is None


def test_a_part_is_changed_and_committed(made: Cluster, tmp_path: Path) -> None:
    document = json.loads(made.kp("export", "node/n01", "group/rack1").out)
    document["node/n01"]["params"] = ["single"]
    document["group/rack1"] = None
    file = tmp_path / "part.json"
    file.write_text(json.dumps(document), "utf-8")
    done = made.json("apply", "-f", str(file), "-m", "as it is wired")
    assert done["revision"]
    assert made.json("node", "show", "n01")["params"] == ["single"]
    assert "rack1" not in {each["group"] for each in made.json("group", "list")}


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (("export", "node/nosuch"), "no node 'nosuch' here"),
        (("export", "web"), "'web' is no object"),
        (("apply", "-f", "/nonexistent.json"), "there is no file /nonexistent.json"),
        (("edit", "image/wep"), "no image 'wep' here"),
    ],
)
def test_what_is_not_there(made: Cluster, words: tuple[str, ...], said: str) -> None:
    found = run(made.site, *words, terminal=True)
    assert found.status == 1
    assert said in found.err
    assert "hint: " in found.err


def editor(folder: Path, *bodies: str) -> str:
    """Return an editor that does another thing each time it is started."""
    script, count = folder / "editor", folder / "count"
    steps = "".join(f"{at}) {body} ;;\n" for at, body in enumerate(bodies, 1))
    script.write_text(
        f"#!/bin/sh\nprintf x >> {count}\ncase $(wc -c < {count}) in\n{steps}esac\n",
        "utf-8",
    )
    script.chmod(0o755)
    return f"sh {script}"


def edit(made: Cluster, command: str, *words: str) -> int:
    world = World(user="ann", host="head", site=made.site, terminal=True)
    return main(["edit", *words], replace(world, editor=command))


def test_an_object_is_edited(made: Cluster, tmp_path: Path) -> None:
    command = editor(
        tmp_path, """sed -i 's/"params": \\[\\]/"params": ["single"]/' "$1" """
    )
    assert edit(made, command, "node/n01", "-m", "one at a time", "-y") == 0
    assert made.json("node", "show", "n01")["params"] == ["single"]


def test_a_mistake_is_edited_again(
    made: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[str] = []
    monkeypatch.setattr("typer.confirm", lambda text, **_: asked.append(text) or True)
    command = editor(
        tmp_path,
        """sed -i 's/"params"/"parms"/' "$1" """,
        """sed -i 's/"parms"/"params"/; s/"web"/"nosuch"/' "$1" """,
        f"""sed -i 's/{NONE}/"params": ["single"]/; s/nosuch/web/' "$1" """,
    )
    assert edit(made, command, "node/n01") == 0
    assert asked == ["Edit it again?"] * 2
    assert made.json("node", "show", "n01")["params"] == ["single"]
    assert made.json("status")["draft"]


def test_what_another_changed_meanwhile_is_not_undone(
    made: Cluster, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def meanwhile(*_: object) -> str:
        made.kp("node", "set", "n01", "--add-param", "other", "-m", "first", user="bob")
        return json.dumps({**before, "params": ["single"]})

    before = json.loads(made.kp("export", "node/n01").out)["node/n01"]
    monkeypatch.setattr("kpcmd.commands.edit.edited_text", meanwhile)
    assert edit(made, "true", "node/n01", "-m", "mine", "-y") == CONFLICT
    assert made.json("node", "show", "n01")["params"] == ["other"]


def test_without_a_terminal_nothing_is_asked(made: Cluster) -> None:
    assert "kp apply -f FILE" in made.kp("edit", "node/n01", expected=2).err
