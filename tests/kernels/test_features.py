import pytest

from kpstore.formats import samples as make
from kpstore.formats.banner import words_of
from kpstore.formats.config import read_config
from kpstore.kernels.features import banner_features, features


def test_features_of_a_configuration() -> None:
    found = features(read_config(make.config(dom0=True)))
    assert found["smp"] == "yes"
    assert found["overlay"] == "module"
    assert found["nr_cpus"] == "512"
    assert found["xen_dom0"] == "yes"
    assert found["preempt"] == "voluntary"
    assert "kerrighed" not in found and "preempt_rt" not in found


@pytest.mark.parametrize(
    ("option", "feature"),
    [
        ("KRG", "kerrighed"),
        ("KERRIGHED", "kerrighed"),
        ("PREEMPT_RT_FULL", "preempt_rt"),
    ],
)
def test_alternatives(option: str, feature: str) -> None:
    assert features({option: "y"}) == {feature: "yes"}


def test_preemption_is_named() -> None:
    assert features({"PREEMPT": "y"}) == {"preempt": "preempt"}
    assert features({"PREEMPT_NONE": "y"}) == {"preempt": "none"}


def test_the_banner_alone() -> None:
    words = words_of("6.1-rt (SMP@host) #1 SMP PREEMPT_RT Debian 6.1")
    assert banner_features(words) == {"smp": "yes", "preempt_rt": "yes"}
    assert banner_features(words_of("6.1 (SMP@host) #1 Debian")) == {}
