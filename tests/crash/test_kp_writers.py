"""Many writers at once, killed or not: nothing acknowledged is lost, nothing forks.

Issue 2: 8 writers x 50 commits give exactly 400 revisions; again under kill -9
every 30 ms; a git client pushes drafts meanwhile, and never main.
"""

from collections import Counter
from pathlib import Path

import pytest

from support import bootcheck
from support.crash.trees import scratch
from support.figures import Figure
from support.gitclient import GitClient
from support.sites import SmallSite, first_import, make, second_kernel, small_edit
from support.writers import Writer, run, wrong

WRITERS = 8


def site_and_writers(where: Path, commits: int) -> tuple[SmallSite, list[Writer]]:
    make(where, first_import, second_kernel)
    site = SmallSite(where, wait=600)
    return site, [Writer(site, number, commits) for number in range(WRITERS)]


def check_history(site: SmallSite, writers: list[Writer]) -> int:
    """Return how many revisions came; every acknowledged one must be among them."""
    assert wrong(site, writers) == []
    return len(bootcheck.history(site.picker())) - 3


def undisturbed(commits: int) -> str:
    with scratch() as where:
        site, writers = site_and_writers(where, commits)
        run(writers)
        assert check_history(site, writers) == WRITERS * commits
    return f"{WRITERS} writers x {commits}: {WRITERS * commits} revisions in one line"


def killed(commits: int, seed: int) -> str:
    with scratch() as where:
        site, writers = site_and_writers(where, commits)
        kills = run(writers, kills=WRITERS * commits * 2, seed=seed)
        small_edit(site.picker())
        came = check_history(site, writers) - 1
    assert came >= WRITERS * commits
    said = f"{WRITERS} writers x {commits}, {kills} x kill -9: every acknowledged"
    return f"{said} commit in history, {came - WRITERS * commits} not acknowledged"


def test_writers_wait_for_each_other(figure: Figure) -> None:
    figure(undisturbed(commits=4))


def test_killed_writers_lose_nothing(figure: Figure, seed: int) -> None:
    figure(killed(commits=2, seed=seed))


@pytest.mark.system
def test_eight_writers_make_400_revisions(figure: Figure) -> None:
    figure(undisturbed(commits=50))


@pytest.mark.system
def test_eight_killed_writers(figure: Figure, seed: int) -> None:
    figure(killed(commits=50, seed=seed))


@pytest.mark.parametrize("commits", [4, pytest.param(50, marks=pytest.mark.system)])
def test_a_git_client_beside_writers(
    tmp_path: Path, figure: Figure, commits: int
) -> None:
    """Its drafts are accepted, and committed by kp; main it can't push."""
    site, writers = site_and_writers(tmp_path, commits=commits)
    client = GitClient(site, tmp_path / "clone")
    client.clone()
    with client.pushing():
        run(writers)
    assert check_history(site, writers) == WRITERS * commits
    told = Counter(client.log.texts())
    assert told.keys() == {"draft accepted", "main refused"}, told
    figure(f"git beside {WRITERS} writers: {dict(told)}")
    bob = SmallSite(tmp_path, user=client.user).picker()
    bob.commit("what bob pushed")
    assert bob.view("HEAD").group("pushed").params
