"""share/: the man page and the shells' completions, drawn from the command itself.

`make reference` writes them anew; tests/house/test_share.py holds them together. The
wheel installs them where man, bash, zsh and fish look.
"""

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from typer._completion_shared import get_completion_script

from support.reference import help_of, verbs
from support.sources import ROOT

SHARE: Final = ROOT / "share"
_WIDTH: Final = 76  # columns that a man page has for text on a terminal of 80
_HEAD: Final = r""".TH KP 1 "" KernelPicker "KernelPicker"
.SH NAME
kp \- versioned, atomically published boot configuration, with a way back
.SH SYNOPSIS
.B kp
[\fIoptions\fR] \fIcommand\fR [\fIarguments\fR]
"""
_TAIL: Final = r""".SH ENVIRONMENT
.TP
.B KP_SITE
the site, where \-\-site doesn't say it; else /var/lib/kp
.TP
.B KP_USER
who makes a change; else SUDO_USER, else who logged in
.TP
.B KP_PAGER, PAGER
what shows long lists on a terminal; else less. LESS is FRX where it isn't set
.TP
.B NO_COLOR
no colours
.TP
.B VISUAL, EDITOR
what messages and documents are written in
.SH SEE ALSO
.BR git (1),
.BR less (1)
"""
_PLACES: Final = {
    "bash": "bash-completion/completions/kp",
    "zsh": "zsh/site-functions/_kp",
    "fish": "fish/vendor_completions.d/kp.fish",
}


def shared() -> Mapping[Path, str]:
    """Return what lies below share/, by its path there."""
    files = {Path("man/man1/kp.1"): "".join(_manual())}
    for shell, place in _PLACES.items():
        files[Path(place)] = _completion(shell)
    return files


def _manual() -> Iterator[str]:
    yield _HEAD
    yield from (".SH DESCRIPTION\n", _verbatim(help_of([], _WIDTH)), ".SH COMMANDS\n")
    for words in verbs():
        yield from (f".SS kp {' '.join(words)}\n", _verbatim(help_of(words, _WIDTH)))
    yield _TAIL


def _verbatim(text: str) -> str:
    """Return text as roff shows it, line by line."""
    escaped = text.replace("\\", r"\e").replace("-", r"\-").replace("'", r"\(aq")
    lines = re.sub(r"^\.", r"\\&.", escaped, flags=re.MULTILINE)
    return f".nf\n{lines}\n.fi\n"


def _completion(shell: str) -> str:
    script = get_completion_script(
        prog_name="kp", complete_var="_KP_COMPLETE", shell=shell
    ).strip()
    if shell == "zsh":  # a file that zsh loads at the first completion, and then calls
        script = script.replace("compdef _kp_completion kp", '_kp_completion "$@"')
    return f"{script}\n"


if __name__ == "__main__":
    for where, text in shared().items():
        (SHARE / where).parent.mkdir(parents=True, exist_ok=True)
        (SHARE / where).write_text(text, "utf-8")
