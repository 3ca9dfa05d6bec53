"""fixtures/: what other systems write, with pages that say whence."""

from support.sources import ROOT

FIXTURES = ROOT / "fixtures"


def test_every_room_and_what_stands_in_it_says_where_its_facts_are_from():
    """A page of a family, importer or distribution speaks of the samples below it."""
    rooms = [path for path in FIXTURES.iterdir() if path.is_dir()]
    folders = [*rooms, *(path for room in rooms for path in room.iterdir())]
    bare = [
        str(path)
        for path in folders
        if path.is_dir() and not (path / "README.md").is_file()
    ]
    assert len(rooms) > 1
    assert bare == []


def test_no_sample_is_forgotten():
    """What lies there is read by a test: its name, or its folder's, stands in one."""
    tests = "\n".join(
        path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py")
    )
    rooms = [path.name for path in FIXTURES.iterdir() if path.is_dir()]
    assert [room for room in rooms if f"fixtures/{room}" not in tests] == []
