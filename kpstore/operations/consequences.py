"""What a rollback says: what it undoes, what it brings, what nodes boot besides.

It makes states that no commit may make.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import suppress
from typing import Final

from kpstore.errors import CorruptState, KpError
from kpstore.health.suspects import is_suspect, next_boot_of
from kpstore.history.revisions import Revision
from kpstore.history.snapshot import Snapshot
from kpstore.model.boot import Boot, default_boot
from kpstore.model.moves import Moves
from kpstore.model.nodesets import fold
from kpstore.model.state import State
from kpstore.model.templates import Template
from kpstore.operations.proposal import Proposal
from kpstore.site.opened import OpenSite
from kpstore.site.overrides import Overridden, overridden

_UNDONE: Final = 20  # commits that are named; `kp log` has more


def undone(image: str, back_to: int, history: Sequence[Revision]) -> Iterator[str]:
    """Say which of an image's revisions, the newest first, a rollback undoes."""
    lines = [line for line in history if line.number > back_to]
    for line in lines[:_UNDONE]:
        yield f"undoes r{line.number} of {image} by {line.author}: {line.subject}"
    if more := lines[_UNDONE:]:
        authors = ", ".join(sorted({line.author for line in more}))
        yield (
            f"undoes {len(more):,} older ones of {image} too, r{more[-1].number} "
            f"to r{more[0].number}, by {authors}: kp log --image {image}"
        )


def next_boots(site: OpenSite, main: Snapshot, image: str) -> list[Overridden]:
    """Return the next boots of an image's nodes, and those of others into it."""
    state, census = State(main), site.census(main)
    boots: dict[str, tuple[str, str]] = {}
    for template in census.templates():
        for name in census.nodes_of(template) if template.entry else ():
            with suppress(KpError):  # damaged: who repairs it says so
                if image in (template.image, state.node(name).image):
                    boots[name] = (template.image, template.entry)
    return overridden(site, main.commit or "", boots)


def said_of_next(found: Overridden, today: State, new: State) -> str:
    """Say what a next boot brings, whose it is and how it ends."""
    boot = next_boot_of(today, found.image, found.entry)
    text = f"{fold(found.nodes)} {'boot' if len(found.nodes) > 1 else 'boots'} "
    text += f"{found.image}/{found.entry} instead of the default"
    if boot:
        text += f" (kernel {boot.config.kernel}, payload {boot.payload.id[:12]})"
    if found.lines:
        text += f", by {' and '.join(found.by)} since r{found.lines[-1].number}"
    last = [name for name in found.nodes if new.node(name).next]
    return f"{text}: kp next {fold(last)} --clear ends that" if last else text


def suspects_of(
    site: OpenSite, default: Boot, history: Sequence[Revision], found: list[Overridden]
) -> Iterator[Boot]:
    """Yield what nodes boot next that may be what fails, in place of the default.

    `history` is the image's, the newest first.
    """
    today = State(site.main())
    boots = [next_boot_of(today, each.image, each.entry) for each in found]
    with suppress(CorruptState):  # then nothing speaks for the default
        before = _before(site, default, history) if found else None
        for boot in filter(None, boots):
            if is_suspect(today, before, default.payload, boot):
                yield boot


def _before(site: OpenSite, default: Boot, history: Sequence[Revision]) -> State | None:
    """Return the state before the one in which this became the image's default."""
    came = None
    for line in history:
        boot = default_boot(Snapshot(site.repository, line.commit), default.image)
        if boot is None or boot.payload.id != default.payload.id:
            break
        came = line.commit
    parents = site.repository.commit(came).parents if came else ()
    return State(Snapshot(site.repository, parents[0])) if parents else None


def not_blamed(default: Boot, suspects: Sequence[Boot], revision: str) -> Iterator[str]:
    """Say why a default is not called bad, and how each is, where it fails."""
    for boot in suspects:
        yield (
            f"{default.image}/{default.entry} is not called bad: {boot.image}/"
            f"{boot.entry}, which some nodes boot instead, came after it"
        )
    for boot in (default, *suspects) if suspects else ():
        how = f"kp bad {boot.image} {boot.entry} --rev {revision} -m WHY"
        yield f"if {boot.image}/{boot.entry} fails: {how}"


def refusals(proposal: Proposal) -> Iterator[str]:
    """Say what a commit would be refused for: it may be why nodes don't boot."""
    try:
        proposal.check(force=True, unlock=True)
    except (KpError, OSError) as error:
        reason = error.message if isinstance(error, KpError) else str(error)
        yield f"a commit would be refused for this: {reason}"


def unresolved(moves: Moves) -> Iterator[str]:
    """Say which nodes have nothing to boot in the new state, and so get the policy."""
    came = (move.new_template for move in moves.nodes.values())
    templates = dict.fromkeys([*moves.changed_templates, *filter(None, came)])
    for why, lost in (
        ("variables are missing", _without_values(moves, templates)),
        ("no entry is the default", _without_entry(moves, templates)),
    ):
        if lost:
            they = "it boots" if len(lost) == 1 else "they boot"
            yield (
                f"{fold(lost)} can't be resolved in the older state ({why}): {they} "
                "by the unknown-node policy"
            )


def _without_values(moves: Moves, templates: Iterable[Template]) -> list[str]:
    return [
        node.name
        for template in templates
        if (boot := moves.new_boot(template)) and boot.variables
        for node in moves.members(template)
        if len(boot.values(node)) < len(boot.variables)
    ]


def _without_entry(moves: Moves, templates: Iterable[Template]) -> list[str]:
    return [
        node.name
        for template in templates
        if template.image and moves.new_boot(template) is None
        for node in moves.members(template)
    ]


def bad_boots(
    image: str, default: Boot | None, disk: Boot | None, is_bad: Callable[[Boot], bool]
) -> Iterator[str]:
    """Say that what was gone back to is no way out."""
    if default and is_bad(default):
        yield f"image {image}: {default.entry}, its default now, is known bad"
    elif disk and is_bad(disk):
        yield (
            f"image {image}: {disk.entry}, which its disks boot by themselves, "
            "is known bad"
        )
