"""The record of a commit: its message and the trailers that say what kp did."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from kpstore.errors import CorruptState, InvalidInput
from kpstore.model import bounds

# Control characters, line separators that are none to git, and the marks that
# show a line in another order than it is written.
_HIDDEN: Final = re.compile(
    "[\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
_RESERVED: Final = re.compile(r"^kp-", re.I | re.M)
_PERSON: Final = re.compile(r"[<>]")
_AUTHOR: Final = re.compile(r"([^<>\n]+?)(?: *<([^<>\s@]+@[^<>\s@]+)>)?")
_TRAILER: Final = re.compile(r"(Kp-[A-Z][a-z]+): (.*)")


@dataclass(frozen=True)
class Record:
    """Who did what, for the commit message; lists as given, texts on one line.

    `nodes` is the folded set or a count as docs/format.md says, `reverts` a
    revision, `evidence` what made kp act by itself, `without` the targets that are
    behind by choice after the commit.
    """

    subject: str
    revision: int
    op: str
    body: str = ""
    images: tuple[str, ...] = ()
    nodes: str = ""
    argv: tuple[str, ...] = ()
    host: str = ""
    without: tuple[str, ...] = ()
    ticket: str = ""
    reverts: str = ""
    evidence: str = ""

    @property
    def left_out(self) -> frozenset[str]:
        """Return the targets that were left behind by choice: this commit's word.

        Commits of before the trailer say it by their arguments.
        """
        return frozenset(self.without or _without(self.argv))


def split_message(text: str) -> tuple[str, str]:
    """Return subject and body of a message as a person wrote it.

    InvalidInput when it is empty, has control characters, or a line that starts
    with `Kp-`, which would be taken for what kp says.
    """
    lines = [line.rstrip() for line in text.strip().split("\n")]
    message = "\n".join(lines).strip()
    if not message:
        raise InvalidInput("the message is empty", hint="say why: -m MESSAGE")
    _check_text("the message", message)
    subject, _, body = message.partition("\n")
    return subject, body.strip("\n")


def format(record: Record) -> bytes:
    """Return the commit message; InvalidInput when it could not be read back."""
    if split_message(record.subject) != (record.subject, ""):
        raise InvalidInput(
            f"{record.subject!r} is not a subject: one line, no margin",
            hint="begin the message with one line that says why",
        )
    whole = f"{record.subject}\n\n{record.body}" if record.body else record.subject
    if split_message(whole) != (record.subject, record.body):
        raise InvalidInput(
            "the message has blank lines or blanks at an end",
            hint="leave out what is blank at its ends",
        )
    trailers = "".join(f"{name}: {value}\n" for name, value in _trailers(record))
    return f"{whole}\n\n{trailers}".encode()


def parse(message: bytes) -> Record:
    """Read a message that kp wrote; CorruptState for any other."""
    try:
        text = message.decode()
        whole, _, block = text.removesuffix("\n").rpartition("\n\n")
        subject, _, body = whole.partition("\n\n")
        return _record(subject, body, block.split("\n"))
    except (ValueError, KeyError, TypeError) as error:
        raise CorruptState(
            f"a commit message is not kp's: {message[:60]!r}",
            hint="kp alone writes main; kp doctor says how to mend it",
        ) from error


def person(name: str, host: str) -> str:
    """Return `Name <name@host>` as git wants it; InvalidInput when nothing is left."""
    _check_text("the name of a person", name)
    shown = " ".join(_PERSON.sub("", name).split()).strip(".,:;\"'\\ ")
    local = re.sub(r"[^A-Za-z0-9._+-]", "", shown.replace(" ", ".")) or "user"
    if not shown:
        raise InvalidInput(
            f"{name!r} is not the name of a person", hint="Ann Example <ann@example>"
        )
    return f"{shown} <{local}@{re.sub(r'[^A-Za-z0-9.-]', '', host) or 'localhost'}>"


def author(text: str, host: str) -> str:
    """Return `Name <mail>` of an author as people write one: so, or a name alone.

    InvalidInput for what git could not keep as it is written.
    """
    _check_text("the author", text)
    found = _AUTHOR.fullmatch(text.strip())
    if found and found[2] is None:
        return person(text, host)
    if found is None:
        raise InvalidInput(f"{text!r} is no author", hint="Ann Example <ann@example>")
    name = person(found[1], host).partition(" <")[0]
    return f"{name} <{found[2]}>"


def person_name(author: str) -> str:
    """Return the name in `Name <mail>`."""
    return author.partition(" <")[0]


def _trailers(record: Record) -> list[tuple[str, str]]:
    found = [("Kp-Revision", str(record.revision)), ("Kp-Op", record.op)]
    found += [("Kp-Image", image) for image in record.images]
    texts = {"Kp-Nodes": record.nodes, "Kp-Host": record.host}
    texts |= {"Kp-Without": " ".join(record.without)}
    texts |= {"Kp-Ticket": record.ticket, "Kp-Reverts": record.reverts}
    texts |= {"Kp-Evidence": record.evidence}
    found += [(name, text) for name, text in texts.items() if text]
    for name, text in found:
        if text != text.strip() or "\n" in text:
            raise InvalidInput(
                f"{name} {text!r} is not one line without margins",
                hint="write it on one line",
            )
        _check_text(name, text)
    if record.argv:
        found.append(("Kp-Argv", json.dumps(list(record.argv))))
    return found


def _record(subject: str, body: str, lines: list[str]) -> Record:
    values: dict[str, list[str]] = {}
    for line in lines:
        match = _TRAILER.fullmatch(line)
        if match is None:
            raise ValueError(line)
        values.setdefault(match[1], []).append(match[2])
    return Record(
        subject=subject,
        body=body,
        revision=int(values["Kp-Revision"][0]),
        op=values["Kp-Op"][0],
        images=tuple(values.get("Kp-Image", ())),
        nodes=values.get("Kp-Nodes", [""])[0],
        argv=tuple(json.loads(values.get("Kp-Argv", ["[]"])[0])),
        host=values.get("Kp-Host", [""])[0],
        without=tuple(values.get("Kp-Without", [""])[0].split()),
        ticket=values.get("Kp-Ticket", [""])[0],
        reverts=values.get("Kp-Reverts", [""])[0],
        evidence=values.get("Kp-Evidence", [""])[0],
    )


def _without(argv: tuple[str, ...]) -> Iterator[str]:
    """Yield the targets of `--without T` and `--without=T`."""
    for option, word in pairwise((*argv, "")):
        if option == "--without":
            yield word
        elif option.startswith("--without="):
            yield option.partition("=")[2]


def _check_text(what: str, text: str) -> None:
    if len(text) > bounds.MESSAGE:
        raise InvalidInput(
            f"{what} has {len(text):,} characters, more than {bounds.MESSAGE:,}",
            hint="say it shorter; what is longer belongs into a file or a ticket",
        )
    if found := _HIDDEN.search(text):
        raise InvalidInput(
            f"{what} has a control character ({found[0]!r})",
            hint="leave it out: a message is lines of text",
        )
    if _RESERVED.search(text):
        raise InvalidInput(
            f"{what} has a line that starts with `Kp-`",
            hint="such lines are kp's own: word it otherwise",
        )
