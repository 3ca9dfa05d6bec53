"""A TFTP root as a kp left it that had no shelves, and no `kp/retired`."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import pytest

from kpstore.targets.tftp import expected, plan, stage
from support import tftp_world
from support.tftp_world import Commit, World, whole


@contextmanager
def kp_of_before() -> Iterator[None]:
    """Publish as that kp did: each generation links its templates itself."""

    def flat(state: Any) -> Any:
        return lambda *args, **more: replace(state(*args, **more), flat=True, both=0)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(plan, "_state", flat(plan._state))
        patch.setattr(expected, "replace", flat(replace))
        patch.setattr(stage, "_write_retired", lambda *_: [])
        patch.setattr(tftp_world, "place_of", lambda name: name)
        yield


def publish(world: World, *commits: Commit) -> None:
    """Publish commits, one after another, as that kp did; nothing else was there."""
    with kp_of_before():
        for commit in commits:
            world.target.stage(whole(commit)).switch()
    shutil.rmtree(world.root / "kp/retired", ignore_errors=True)
