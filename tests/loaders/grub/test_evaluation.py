"""A reader that evaluates wrongly would be noticed by the scripts that GRUB runs too.

`tests/system/test_grub_reading.py` holds kp's reading against GRUB's own.
"""

from collections.abc import Callable, Iterator

import pytest

from kpstore.loaders.grub import condition, loading, machine, menu, words
from kpstore.loaders.grub.environment import Environment
from kpstore.loaders.grub.foreign import read
from kpstore.loaders.grub.machine import Machine
from kpstore.loaders.listing import Listed
from support.filetree import Files
from support.grubscripts import draw

SCRIPTS = range(250)  # what a day's run of the system test takes
Patch = pytest.MonkeyPatch


def readings() -> Iterator[Listed | None]:
    for seed in SCRIPTS:
        (found,) = read(Files(draw(seed).told("", "boot", "boot")))
        yield found.chosen


@pytest.fixture(scope="module")
def right() -> list[Listed | None]:
    return list(readings())


def all_variables_are_seen(patch: Patch) -> None:
    patch.setattr(
        Environment,
        "open",
        lambda self: (
            self._contexts.append(dict(self._contexts[-1])),
            self._exported.append(set(self._exported[-1])),
        ),
    )


def either_is_both(patch: Patch) -> None:
    step = condition._take
    patch.setattr(
        condition, "_take", lambda word, groups: word == "-o" or step(word, groups)
    )


def every_branch_is_taken(patch: Patch) -> None:
    def both(self: Machine, node: machine.If) -> int:
        for _, body in node.branches:
            self.run(body)
        return self.run(node.otherwise)

    patch.setattr(Machine, "_if", both)


def blanks_split_nothing(patch: Patch) -> None:
    parts = words._parts
    patch.setattr(
        words,
        "_parts",
        lambda piece, get, args: parts(piece._replace(bare=False), get, args),
    )


def a_submenu_boots_its_first(patch: Patch) -> None:
    chosen = menu.chosen

    def first(entries: list[menu.MenuEntry], default: str, by_name: bool) -> object:
        return chosen(entries, default, by_name=by_name)[0], ""

    patch.setattr(loading, "chosen", first)


def titles_are_no_defaults(patch: Patch) -> None:
    patch.setattr(menu, "_index", lambda names, word: None)


def functions_return_true(patch: Patch) -> None:
    call = Machine._call
    patch.setattr(Machine, "_call", lambda *args: call(*args) and 0)


@pytest.mark.parametrize(
    "bug",
    [
        all_variables_are_seen,
        either_is_both,
        every_branch_is_taken,
        blanks_split_nothing,
        a_submenu_boots_its_first,
        titles_are_no_defaults,
        functions_return_true,
    ],
)
def test_a_bug_in_the_evaluator_shows(
    bug: Callable[[Patch], None], right: list[Listed | None], monkeypatch: Patch
) -> None:
    assert all(right)
    bug(monkeypatch)
    wrong = sum(found != meant for found, meant in zip(readings(), right, strict=True))
    assert wrong
