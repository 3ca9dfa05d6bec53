"""docs/reference.md, drawn from the help of every verb.

`make reference` writes it anew; tests/house/test_docs.py holds the two together.
"""

import re
import sys
from collections.abc import Iterator
from contextlib import redirect_stdout
from importlib import import_module
from io import StringIO
from unittest.mock import patch

import typer

from kpcmd.app import main
from kpcmd.registry import VERBS

HEAD = """\
# Every verb and option

Drawn from the command's own help by `make reference`. What may be relied on, and what
holds for all verbs, is in [commands.md](commands.md); the global options, which every
verb takes, are left out here.
"""
_GLOBAL = re.compile(
    r"^  (--site DIR|--json|-q, --quiet|-v, --verbose|--no-color|--no-pager|-h, --help)"
    r" .*\n",
    re.MULTILINE,
)
_NO_OPTIONS = re.compile(r"^Options:\n(?=\n|\Z)", re.MULTILINE)


def verbs() -> Iterator[list[str]]:
    """Yield the words of every command: `commit`, `target add`."""
    for name, found in VERBS.items():
        app = import_module(f"kpcmd.commands.{found.module}").apps[name]
        command = typer.main.get_command(app)
        inner = getattr(command, "commands", None)
        yield from ([name, each] for each in inner or ()) if inner else ([name],)


def help_of(words: list[str], width: int = 88) -> str:
    """Return a verb's help, so many columns wide, without the global options.

    That of kp itself, of no words, has them.
    """
    said = StringIO()
    with redirect_stdout(said), patch.dict("os.environ", {"COLUMNS": str(width)}):
        main([*words, "--help"])
    text = said.getvalue()
    if words:
        text = _NO_OPTIONS.sub("", _GLOBAL.sub("", text))
    return re.sub(r"\n{3,}", "\n\n", text).strip("\n")


def reference() -> str:
    """Return the whole page."""
    parts = [f"\n## kp {' '.join(w)}\n\n```text\n{help_of(w)}\n```\n" for w in verbs()]
    return HEAD + "".join(parts)


if __name__ == "__main__":
    sys.stdout.write(reference())
