"""The tables of the derived index, cache/index.db."""

from typing import Final

from kpstore.history.revisions import Touch

VERSION: Final = "2"

# touches: keyed as it is asked for, newest revision last, so that the 1,000 newest
# hits are one walk down one B-tree whatever the length of history.
# uniques: what (mac, ip, index, var) and value as `model.census.unique_values` says.
SCRIPT: Final = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE revisions (
    number INTEGER PRIMARY KEY, commit_id TEXT NOT NULL, time INTEGER NOT NULL,
    author TEXT NOT NULL, op TEXT NOT NULL, subject TEXT NOT NULL);
CREATE UNIQUE INDEX revisions_commit ON revisions (commit_id);
CREATE INDEX revisions_author ON revisions (author);
CREATE INDEX revisions_op ON revisions (op);
CREATE INDEX revisions_time ON revisions (time);
CREATE TABLE touches (
    kind TEXT NOT NULL, name TEXT NOT NULL, within TEXT NOT NULL,
    number INTEGER NOT NULL, PRIMARY KEY (kind, name, within, number)) WITHOUT ROWID;
CREATE INDEX touches_anywhere ON touches (kind, name, number) WHERE within <> '';
CREATE TABLE templates (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, count INTEGER NOT NULL);
CREATE TABLE nodes (
    name TEXT PRIMARY KEY, template INTEGER NOT NULL) WITHOUT ROWID;
CREATE INDEX nodes_template ON nodes (template);
CREATE TABLE uniques (
    what TEXT NOT NULL, value TEXT NOT NULL, node TEXT NOT NULL,
    PRIMARY KEY (what, value)) WITHOUT ROWID;
"""

TABLES: Final = ("meta", "revisions", "touches", "templates", "nodes", "uniques")


def touch_clause(alias: str, touch: Touch) -> tuple[str, list[str]]:
    """Return the condition under which a row of touches is the one meant."""
    clause = f"{alias}.kind = ? AND {alias}.name = ?"
    if touch.within is None:  # by the index for that: it must say the same condition
        return f"{clause} AND {alias}.within <> ''", [touch.kind, touch.name]
    return f"{clause} AND {alias}.within = ?", list(map(str, touch))
