"""fixtures/: what other systems write, each folder with a page that says whence."""

from support.sources import ROOT

FIXTURES = ROOT / "fixtures"


def test_every_folder_says_where_its_facts_are_from():
    folders = {path.parent for path in FIXTURES.rglob("*") if path.is_file()}
    assert len(folders) > 3
    assert [str(each) for each in folders if not (each / "README.md").is_file()] == []


def test_no_sample_is_forgotten():
    """What lies there is read by a test: its name, or its folder's, stands in one."""
    tests = "\n".join(
        path.read_text("utf-8") for path in (ROOT / "tests").rglob("*.py")
    )
    rooms = [path.name for path in FIXTURES.iterdir() if path.is_dir()]
    assert [room for room in rooms if f"fixtures/{room}" not in tests] == []
