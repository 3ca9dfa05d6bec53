"""How a target stands against main; docs/architecture.md section 5 has the words.

Free of models and renderers, so that `kp status` can judge targets without them.
"""

from collections.abc import Callable, Mapping

from kpstore.targets.observed import Observed
from kpstore.targets.spec import TargetSpec
from kpstore.targets.values import Condition


def left_behind(name: str) -> str:
    """Say what a target is that lags by choice, and how it comes along again."""
    return f"left behind by choice; kp publish {name} brings it to main"


def judge(
    spec: TargetSpec,
    site: str,
    served: Observed | None,
    inputs: Callable[[], Mapping[str, str]],
    on_main: Callable[[str], bool],
) -> Condition:
    """Judge a target against main; None instead of one: it has no path here.

    `inputs` are those of main, `on_main` tells whether main's chain has a commit: both
    are asked only where they matter.
    """
    identity = served.identity() if served else None
    if served is None or identity is None:
        return "absent"
    marker = served.marker()
    ours = (identity.site, identity.target) == (site, spec.name)
    past = marker is None or (marker.site == site and on_main(marker.commit))
    if not ours or not past:
        return "ahead"
    if identity.hold:
        return "on hold"
    if marker is None or served.unfinished():
        return "lagging"
    return "live" if marker.inputs == inputs() else "lagging"
