r"""What is printed as it stands, and what is written out: `\x1b`, `\u202e`.

Messages, file names, people's names and other people's drafts come from outside. None
of them moves a cursor, colours a word, begins a line of its own or turns one around.
"""

import json
import re
from typing import Final

# Control characters but the tab, line separators, marks that show a line in another
# order than it is written, what no font shows, bytes that are no letters (surrogates).
# Letters of every script pass, with the joiners that some of them need.
_HIDDEN: Final = re.compile(
    "[\x00-\x08\x0a-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e"
    "\u2060-\u206f\ufeff\ufff9-\ufffb\ud800-\udfff\U000e0000-\U000e007f]"
)


def visible(text: str, kept: re.Pattern[str] | None = None) -> str:
    """Return a line with what would not be seen written out.

    What `kept` matches stays: a pattern that is one group.
    """
    if text.isprintable():  # nearly all are; a tenth of the time
        return text
    if kept is None:
        return _HIDDEN.sub(_written, text)
    parts = kept.split(text)
    parts[::2] = [_HIDDEN.sub(_written, part) for part in parts[::2]]
    return "".join(parts)


def visible_json(document: str) -> str:
    """Return a JSON text of the same value with what would not be seen escaped."""
    return _IN_STRINGS.sub(_escaped, document)


def ascii_json(document: str) -> str:
    """Return a JSON text of the same value without a letter that ASCII lacks."""
    return re.sub(r"[^\x00-\x7f]", _escaped, document)


_IN_STRINGS: Final = re.compile(_HIDDEN.pattern.replace("\x0a-\x1f", "\x0b-\x1f"))


def _written(found: re.Match[str]) -> str:
    return found[0].encode("unicode_escape").decode("ascii")


def _escaped(found: re.Match[str]) -> str:
    return json.dumps(found[0])[1:-1]
