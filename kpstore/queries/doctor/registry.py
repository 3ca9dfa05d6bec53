"""The checks of the doctor, in the order in which they are said."""

from typing import Final

from kpstore.queries.doctor import (
    artifacts,
    drafts,
    guard,
    history,
    index,
    local,
    reserves,
    targets,
)
from kpstore.queries.doctor import group as of_group
from kpstore.queries.doctor.contract import Check

CHECKS: Final = (
    Check("settings", local.settings),
    Check("group", of_group.group),
    Check("lock", local.lock),
    Check("hook", guard.hook),
    Check("repository", history.repository),
    Check("main", history.main),
    Check("paths", local.paths),
    Check("history", history.history),
    Check("artifacts", artifacts.artifacts),
    Check("index", index.index),
    Check("drafts", drafts.drafts),
    Check("targets", targets.targets),
    Check("reserve", reserves.reserves),
)
# What a target is held against: where it is damaged, nothing can be.
OF_HISTORY: Final = ("main", "history", "artifacts")
