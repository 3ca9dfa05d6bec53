"""A writer looks quickly at the targets, and notes how it leaves them."""

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import partial

from kpstore.errors import KpError
from kpstore.model.state import State
from kpstore.operations.caller import Caller
from kpstore.site import drift
from kpstore.site.comparing import compared
from kpstore.site.drift import Sighted
from kpstore.site.opened import OpenSite
from kpstore.targets.values import Finding


@contextmanager
def watched(site: OpenSite, caller: Caller, *, thorough: bool) -> Iterator[None]:
    """Tell what drifted, and note how the block leaves the targets.

    What nobody mended (`site.mended`) stays known as drift. `thorough`: nodes' own
    files are looked at too, and a target of which nothing is known counts as drifted.
    """
    site.mended.clear()
    really = partial(_really, site, caller.clock())
    known = drift.look(_sighted(site), site, really, files=thorough)
    unknown = drift.unknown(_sighted(site), site) if thorough else ()
    site.drifted = {name: [] for name in unknown}
    site.drifted |= {name: [f.path for f in each] for name, each in known.items()}
    for name, findings in known.items():
        first = f"{findings[0].path} is {findings[0].kind}"
        caller.notify(f"target {name} drifted: {first}; kp verify, kp publish")
    drift.forget(_sighted(site), site)
    try:
        yield
    finally:
        rest = {name: each for name, each in known.items() if name not in site.mended}
        with suppress(KpError, OSError):  # what was done is done: nothing is known now
            drift.remember(_sighted(site), site, rest)


def _really(site: OpenSite, now: float, name: str) -> list[Finding]:
    main = site.main()
    target = {each.name: each for each in site.targets(State(main))}[name]
    condition = target.condition(main.subtree, site.on_main)
    return compared(site, target, condition, now, deep=True)


def _sighted(site: OpenSite) -> list[Sighted]:
    """Return the enabled targets of main that have a path here."""
    specs = (target.spec for target in site.targets(State(site.main())))
    found = (drift.sighted(site.settings, spec) for spec in specs)
    return [target for target in found if target]
