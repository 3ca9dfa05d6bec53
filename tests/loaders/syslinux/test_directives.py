"""Lines of SYSLINUX's language."""

import pytest

from kpstore.loaders.syslinux.directives import directives


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("DEFAULT a", [("default", "a")]),
        ("  Append\t a  b \r\n", [("append", "a  b")]),
        ("MENU  LABEL\t^A b", [("menu label", "^A b")]),
        ("menu default\nmenu", [("menu default", ""), ("menu ", "")]),
        ("label\nprompt 1", [("label", ""), ("prompt", "1")]),
        ("# a\n\n#label b", []),
        ("TEXT HELP\nlabel a\n endtext\nlabel b", [("label", "b")]),
        ("text help\nlabel a", []),
        ("label a\x85b\u2028c", [("label", "a\x85b\u2028c")]),
    ],
)
def test_directives_and_what_they_say(text: str, said: list[tuple[str, str]]):
    assert list(directives(text)) == said
