"""A writer looks quickly at the targets, and notes how it leaves them."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

from kpstore.errors import KpError
from kpstore.model.state import State
from kpstore.site import drift
from kpstore.site.drift import Sighted
from kpstore.site.opened import OpenSite


@contextmanager
def watched(site: OpenSite, notify: Callable[[str], None]) -> Iterator[None]:
    """Tell what drifted, and note how the block leaves the targets.

    What nobody mended (`site.mended`) stays known as drift.
    """
    site.mended.clear()
    known = drift.look(_sighted(site), site.index)
    for name, findings in known.items():
        first = f"{findings[0].path} is {findings[0].kind}"
        notify(f"target {name} drifted: {first}; kp verify, kp publish")
    drift.forget(_sighted(site), site.index)
    try:
        yield
    finally:
        rest = {name: each for name, each in known.items() if name not in site.mended}
        with suppress(KpError, OSError):  # what was done is done: nothing is known now
            drift.remember(_sighted(site), site.index, rest)


def _sighted(site: OpenSite) -> list[Sighted]:
    """Return the enabled targets of main that have a path here."""
    specs = (target.spec for target in site.targets(State(site.main())))
    found = (drift.sighted(site.settings, spec) for spec in specs)
    return [target for target in found if target]
