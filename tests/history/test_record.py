import pytest
from hypothesis import given
from hypothesis import strategies as st

from kpstore.errors import CorruptState, InvalidInput, KpError
from kpstore.history import record
from kpstore.history.record import Record

PLAIN = st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=30)
LINES = PLAIN.map(str.strip)
NASTY = st.sampled_from(["", "Kp-Op: x", "kp-", "a\r", " a", "\x85", ": ", "é\t", "#"])
TEXT = st.lists(PLAIN | PLAIN | NASTY, max_size=5).map("\n".join)


@given(
    message=TEXT,
    images=st.lists(st.sampled_from(["web", "db.1", "a~b"]), max_size=3),
    argv=st.lists(st.text(st.characters(codec="utf-8"), max_size=20), max_size=4),
    texts=st.lists(LINES | LINES | LINES | NASTY, min_size=5, max_size=5),
    revision=st.integers(1, 10**6),
)
def test_what_is_written_is_read_back_or_refused(
    message: str, images: list[str], argv: list[str], texts: list[str], revision: int
) -> None:
    nodes, host, ticket, reverts, evidence = texts
    try:
        subject, body = record.split_message(message)
        made = Record(
            subject=subject,
            revision=revision,
            op="commit",
            body=body,
            images=tuple(images),
            nodes=nodes,
            argv=tuple(argv),
            host=host,
            ticket=ticket,
            reverts=reverts,
            evidence=evidence,
        )
        data = record.format(made)
    except InvalidInput:
        return
    assert record.parse(data) == made


def test_the_form_is_documented() -> None:
    made = Record(
        subject="web: new kernel",
        body="Because.\n\nReally.",
        revision=42,
        op="commit",
        images=("web",),
        nodes="n[001-100]",
        argv=("kp", "commit", "-m", "ü\n"),
        host="head1",
        ticket="T-1",
        reverts="r41",
        evidence="3 of 5 nodes",
    )
    assert record.format(made).decode() == (
        "web: new kernel\n\nBecause.\n\nReally.\n\n"
        "Kp-Revision: 42\nKp-Op: commit\nKp-Image: web\nKp-Nodes: n[001-100]\n"
        "Kp-Host: head1\nKp-Ticket: T-1\nKp-Reverts: r41\nKp-Evidence: 3 of 5 nodes\n"
        'Kp-Argv: ["kp", "commit", "-m", "\\u00fc\\n"]\n'
    )


@pytest.mark.parametrize(
    "text",
    [
        "Kp-Revision: 99",
        "fine\n\nkp-op: rollback",
        "bell \x07",
        "null \x00",
        "carriage\rreturn",
        "back \u202e wards",
        "lone \ud800",
        "",
        "  \n ",
    ],
)
def test_a_message_that_could_mislead_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        record.split_message(text)


@pytest.mark.parametrize("ticket", ["a\nKp-Op: x", " margin", "tab\there"])
def test_a_trailer_is_one_plain_line(ticket: str) -> None:
    with pytest.raises(InvalidInput):
        record.format(Record(subject="s", revision=1, op="o", ticket=ticket))


@given(data=st.binary(max_size=200))
def test_any_other_message_is_corrupt_state(data: bytes) -> None:
    with pytest.raises(CorruptState):
        record.parse(data)


@pytest.mark.parametrize(
    "message",
    [
        b"subject only\n",
        b"s\n\nKp-Op: x\n",
        b"s\n\nKp-Revision: many\nKp-Op: x\n",
        b"s\n\nKp-Revision: 1\nKp-Op: x\nKp-Argv: {\n",
        b"s\n\nKp-Revision: 1\nKp-Op: x\nSigned-off-by: me\n",
    ],
)
def test_a_message_that_is_nearly_kp_s(message: bytes) -> None:
    with pytest.raises(CorruptState, match="not kp's"):
        record.parse(message)


@pytest.mark.parametrize(
    ("name", "author"),
    [
        ("Ann Admin", "Ann Admin <Ann.Admin@head1>"),
        ("  Bob   B. ", "Bob B <Bob.B@head1>"),
        ("Eve <eve@evil>", "Eve eve@evil <Eve.eveevil@head1>"),
        ("Jürgen", "Jürgen <Jrgen@head1>"),
        ("Two\nLines", "Two Lines <Two.Lines@head1>"),
        ("李", "李 <user@head1>"),
    ],
)
def test_a_person_becomes_an_author(name: str, author: str) -> None:
    assert record.person(name, "head1") == author
    assert record.person_name(author) == author.split(" <", maxsplit=1)[0]


@pytest.mark.parametrize("name", ["", "<>", "...", "\n", "a\x00"])
def test_a_name_that_git_would_lose_is_refused(name: str) -> None:
    with pytest.raises(InvalidInput):
        record.person(name, "head1")


@given(name=st.text(max_size=30), host=st.text(max_size=30))
def test_an_author_has_one_pair_of_brackets(name: str, host: str) -> None:
    try:
        author = record.person(name, host)
    except KpError:
        return
    assert author.count("<") == author.count(">") == 1
    assert author.endswith(">")
    assert " <" in author
    assert "\n" not in author


@pytest.mark.parametrize(
    ("text", "author"),
    [
        ("Bea", "Bea <Bea@head1>"),
        ("Bea Ott <bea@site.example>", "Bea Ott <bea@site.example>"),
        (" Béa  Ott<b+o@[10.0.0.1]> ", "Béa Ott <b+o@[10.0.0.1]>"),
    ],
)
def test_an_author_is_a_name_or_a_name_and_a_mail(text: str, author: str) -> None:
    assert record.author(text, "head1") == author


BAD_AUTHORS = [
    *("<bea@x>", "Bea <bea>", "Bea <be a@x>", "Bea <bea@x", "Bea bea@x>"),
    *("Bea <a@x> <b@x>", "Bea <a@x> Ott", "Be\na <a@x>", "Bea <a@\x01x>"),
    *(" . <a@x>", " ", "Bea <a@x@y>", "Bea\nOtt"),
]


@pytest.mark.parametrize("text", BAD_AUTHORS)
def test_what_is_no_author_is_refused(text: str) -> None:
    with pytest.raises(InvalidInput):
        record.author(text, "head1")


@given(st.text(max_size=20), st.text(max_size=20))
def test_an_author_is_one_that_git_takes_or_refused(name: str, mail: str) -> None:
    try:
        found = record.author(f"{name} <{mail}>", "head1")
    except InvalidInput:
        return
    assert found.count("<") == found.count(">") == 1
    assert not set(found) & {"\n", "\0"}
    assert found.endswith(f" <{mail}>")


@pytest.mark.parametrize(
    ("argv", "left"),
    [
        ((), set()),
        (("kp", "commit"), set()),
        (("kp", "commit", "--without", "a", "--without=b"), {"a", "b"}),
        (("kp", "commit", "--without"), {""}),
    ],
)
def test_commits_of_before_the_trailer_say_whom_they_left_by_their_arguments(
    argv: tuple[str, ...], left: set[str]
) -> None:
    assert Record(subject="s", revision=2, op="commit", argv=argv).left_out == left
