"""Hypothesis strategies built from the grammars themselves, so they can't drift."""

from hypothesis import strategies as st

from kpstore.loaders.menu import Linux, Menu
from kpstore.model import names
from kpstore.model.params.tokens import RESERVED, key_of
from kpstore.model.variables import used

# What one loader or another would take for its own.
AWKWARD = (
    "dyndbg=module foo +p",
    "dyndbg=a +p ; ; b -p",
    "x=; ; ;",
    "x=a#b;c&d|e<f>g(h)i*j?k[l]m!n%o~p^q",
    "x=&& ! -- ---",
    "memmap=1G$4G",
    "x=$kp_index$net_default_mac",
    "BOOTIF=01-{node.mac}",
    "node_id={node.index}",
    "x={node.var.a}{node.name} {node.ip};{node.image}",
    "x=",
    "x==",
    "default=kp-1",
    "kp_index=17",
    "linux",
    "exit",
    "boot",
)


def matching(pattern: str) -> st.SearchStrategy[str]:
    """Draw texts that an anchored pattern allows."""
    return st.from_regex(pattern.removeprefix("^").removesuffix("$"), fullmatch=True)


def tokens() -> st.SearchStrategy[str]:
    """Draw kernel parameters, node references among them."""
    drawn = matching(names.PARAMETER).filter(lambda t: key_of(t) not in RESERVED)
    return st.sampled_from(AWKWARD) | drawn


def plain_tokens() -> st.SearchStrategy[str]:
    """Draw kernel parameters without node references."""
    return tokens().filter(lambda token: not used([token]))


def paths(folder: str) -> st.SearchStrategy[str]:
    """Draw the path of an artifact below a folder."""
    return st.builds(
        f"{folder}/{{}}/{{}}".format,
        st.integers(0, 16**12 - 1).map("{:012x}".format),
        st.sampled_from(["vmlinuz", "initrd.img"]),
    )


def titles() -> st.SearchStrategy[str]:
    """Draw the titles of boot entries."""
    return st.builds("{}/{}".format, matching(names.NAME), matching(names.NAME))


def menus(
    token: st.SearchStrategy[str], folder: str = "/kp/objects"
) -> st.SearchStrategy[Menu]:
    """Draw menus of Linux entries."""
    boots = st.builds(
        Linux,
        kernel=paths(folder),
        initrds=st.lists(paths(folder), max_size=3).map(tuple),
        params=st.lists(token, max_size=6).map(tuple),
    )
    return st.builds(Menu, titles(), boots)


def values_for(menu: Menu) -> st.SearchStrategy[dict[str, str]]:
    """Draw a node's values of the variables that a menu uses."""
    assert isinstance(menu.boot, Linux)
    value = matching(names.VARIABLE_VALUE)
    return st.fixed_dictionaries(dict.fromkeys(menu.boot.variables, value))
