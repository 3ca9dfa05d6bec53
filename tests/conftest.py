"""What tests measured, told at the end of a run, whichever process ran them."""

import signal
from collections.abc import Callable, Iterator

import pytest

from support.figures import Figure


def pytest_configure() -> None:
    """Let ^C be heard: what a shell starts by `&` is born deaf to it."""
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Figure:
    """Return a function that notes a line for the end of the run."""
    return lambda text: record_property("figure", str(text))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the lines that tests noted."""
    lines = list(_figures(terminalreporter))
    if lines:
        terminalreporter.section("figures")
    for line in lines:
        terminalreporter.write_line(line)


def _figures(reporter: pytest.TerminalReporter) -> Iterator[str]:
    for outcome in ("passed", "failed"):
        for report in reporter.stats.get(outcome, []):
            yield from (v for name, v in report.user_properties if name == "figure")
