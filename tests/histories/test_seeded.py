"""Bugs put into kp on purpose are each found by random histories: they are awake."""

import re

import pytest

from histories import driver
from histories.bugs import SOWN
from support.figures import Figure

ENOUGH = 60  # histories; each bug was found within a dozen


@pytest.mark.slow
@pytest.mark.parametrize("name", SOWN)
def test_histories_find(name: str, figure: Figure) -> None:
    sown = SOWN[name]
    often = dict.fromkeys(sown.often, 4.0)
    for seed in range(ENOUGH):
        with sown.bug():
            failure = driver.history(seed, often=often)
        if failure:
            assert re.search(sown.shows, failure.text), failure
            line = failure.text.splitlines()[0][:100]
            figure(f"seeded: {name}: by history {seed + 1}: {line}")
            return
    pytest.fail(f"{ENOUGH} histories did not find it")
