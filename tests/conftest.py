"""How much of the long sweeps a run takes, and what it tells at its end."""

import signal
from collections.abc import Callable, Iterator

import pytest
from hypothesis import HealthCheck, settings

from support.figures import Figure
from support.rotation import OneIn, Rotation, today

_HOURS = 3600

# Time is no property here: the machine is shared, and some tests write to disk.
settings.register_profile(
    "shared", deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("shared")


def pytest_addoption(parser: pytest.Parser) -> None:
    """Say how much a run takes, and where it begins."""
    group = parser.getgroup("kp")
    group.addoption("--full", action="store_true", help="sweep all points, not a part")
    group.addoption("--seed", type=int, help="which part (default: the day's number)")


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """Choose the seed once, for all processes; and let ^C be heard."""
    if config.option.seed is None:
        config.option.seed = today()
    if config.option.hypothesis_seed is None:
        config.option.hypothesis_seed = str(config.option.seed)
    # What a shell starts by `&` is born deaf to ^C.
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)


def pytest_collection_modifyitems(
    config: pytest.Config, items: list[pytest.Item]
) -> None:
    """Give a whole sweep the time that it takes, whatever its part may take."""
    if config.option.full:
        for item in items:
            item.add_marker(pytest.mark.timeout(12 * _HOURS), append=False)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item,
) -> Iterator[None]:
    """Let a system test fail where it would skip: a part is missing, nothing proved."""
    report: pytest.TestReport = yield
    if report.skipped and item.get_closest_marker("system"):
        report.outcome = "failed"
        report.longrepr = f"a system test never skips: {report.longrepr}"
    return report


@pytest.fixture(scope="session")
def rotation(pytestconfig: pytest.Config) -> Rotation:
    """Return the seed of this run, and whether it is a full one."""
    return Rotation(pytestconfig.option.seed, pytestconfig.option.full)


@pytest.fixture(scope="session")
def seed(rotation: Rotation) -> int:
    """Return what random choices of this run begin with."""
    return rotation.seed


@pytest.fixture(scope="session")
def full(rotation: Rotation) -> bool:
    """Tell whether this run goes through all there is."""
    return rotation.full


@pytest.fixture(scope="session")
def one_in(rotation: Rotation) -> OneIn:
    """Return a function of n: which points a sweep of every n-th takes today."""
    return rotation.one_in


@pytest.fixture
def figure(record_property: Callable[[str, object], None]) -> Figure:
    """Return a function that notes a line for the end of the run."""
    return lambda text: record_property("figure", str(text))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Print the lines that tests noted, and how to run the same again."""
    option = terminalreporter.config.option
    lines = [*_figures(terminalreporter), Rotation(option.seed, option.full)]
    terminalreporter.section("figures")
    for line in lines:
        terminalreporter.write_line(str(line))


def _figures(reporter: pytest.TerminalReporter) -> Iterator[str]:
    for outcome in ("passed", "failed"):
        for report in reporter.stats.get(outcome, []):
            yield from (v for name, v in report.user_properties if name == "figure")
