"""Node sets: ClusterShell's syntax, this site's groups, nothing of the machine's."""

from pathlib import Path

import pytest

from kpstore.errors import InvalidInput, NotFound
from kpstore.model.nodesets import expand, fold, members

GROUPS = {"rack1": "n[001-003]", "both": "@rack1,m1", "empty": "", "loop": "@loop"}


def test_sets_and_groups_of_groups() -> None:
    assert expand(["n[1-2],@rack1"], GROUPS) == ["n1", "n2", "n001", "n002", "n003"]
    assert expand(["@both!@rack1"], GROUPS) == ["m1"]
    assert expand(["n1", "n2"], {}) == ["n1", "n2"]


def test_folding_is_the_inverse() -> None:
    assert fold(["n003", "n001", "n002"]) == "n[001-003]"
    assert members("n[001-003]", {}) == {"n001", "n002", "n003"}
    assert members("  ", {}) == frozenset()


def test_an_unknown_group_is_an_error_with_a_suggestion() -> None:
    with pytest.raises(NotFound, match="'rck1'") as caught:
        expand(["@rck1"], GROUPS)
    assert caught.value.hint == "did you mean 'rack1'?"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "@empty",
        "@rack1-@rack1",
        "n[1-",
        "@slurm:gpu",
        "n*",
        "@*",
        "@loop",
        "N1",
        "a b",
        "n1;rm",
    ],
)
def test_what_is_empty_or_broken_or_external_is_refused(text: str) -> None:
    with pytest.raises((InvalidInput, NotFound)):
        expand([text], GROUPS)


def test_the_machines_own_clustershell_configuration_is_never_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its groups may run shell commands."""
    ran = tmp_path / "ran"
    conf = tmp_path / "clustershell"
    conf.mkdir()
    (conf / "groups.conf").write_text(
        f"[Main]\ndefault: evil\n[evil]\nmap: touch {ran}\nall: touch {ran}\n"
    )
    monkeypatch.setenv("CLUSTERSHELL_CFGDIR", str(conf))
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    with pytest.raises(NotFound):
        expand(["@anything"], {})
    assert not ran.exists()
