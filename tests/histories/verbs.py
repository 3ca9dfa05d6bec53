"""Every kind of step of a history, and how often it is drawn."""

import random
from collections.abc import Callable
from typing import NamedTuple

from histories import damages, drafting, editing, going_back, kernels, upkeep
from histories.drawing import Args
from histories.trial import Trial


class Verb(NamedTuple):
    """A kind of step; `draw` gives arguments or None, `run` does it on both sides."""

    weight: float
    draw: Callable[[random.Random, Trial], Args | None]
    run: Callable[[Trial, Args], None]


VERBS: dict[str, Verb] = {
    "edit": Verb(40, editing.drawn_edit, editing.run_edit),
    "kernel add": Verb(6, kernels.draw, kernels.run),
    "commit": Verb(7, drafting.commit, drafting.run_commit),
    "discard": Verb(1, drafting.with_drafts, drafting.run_discard),
    "undo": Verb(2, drafting.with_drafts, drafting.run_undo),
    "resolve": Verb(4, drafting.resolve, drafting.run_resolve),
    "rollback": Verb(5, going_back.rollback, going_back.run_rollback),
    "revert": Verb(3, going_back.revert, going_back.run_revert),
    "verdict": Verb(6, going_back.verdict, going_back.run_verdict),
    "gc": Verb(
        4,
        lambda rng, trial: {
            "dry": rng.random() < 0.2 and trial.rule("dry runs write nothing")
        },
        upkeep.run_gc,
    ),
    "days": Verb(4, lambda rng, _: {"days": rng.choice((1, 2, 5))}, upkeep.run_days),
    "killed": Verb(2, editing.drawn_killed, editing.run_killed),
    "lost index": Verb(1, lambda rng, _: {}, upkeep.run_lost_index),
    "publish": Verb(3, upkeep.publish, upkeep.run_publish),
    "mount": Verb(2, upkeep.mount, upkeep.run_mount),
    "target add": Verb(1.5, upkeep.some_target, upkeep.run_target_add),
    "target rm": Verb(0.7, upkeep.some_target, upkeep.run_target_rm),
    "damage": Verb(3, damages.draw, damages.run),
}
