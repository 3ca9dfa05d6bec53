"""The tables of the derived index, cache/index.db."""

from typing import Final

VERSION: Final = "4"

# touches: keyed as it is asked for, newest revision last, so that the 1,000 newest
# hits are one walk down one B-tree whatever the length of history.
# What a node boots was changed by the touches of kind `boot` with its name, and by the
# turns of the templates that it booted by: since when it is in nodes, what was before
# in stayed. An id of templates is never used again, so that turns outlive a template.
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
    id INTEGER PRIMARY KEY AUTOINCREMENT, key TEXT NOT NULL UNIQUE,
    count INTEGER NOT NULL);
CREATE TABLE turns (
    template INTEGER NOT NULL, number INTEGER NOT NULL,
    PRIMARY KEY (template, number)) WITHOUT ROWID;
CREATE TABLE nodes (
    name TEXT PRIMARY KEY, template INTEGER NOT NULL, since INTEGER NOT NULL)
    WITHOUT ROWID;
CREATE INDEX nodes_template ON nodes (template);
CREATE TABLE stayed (
    name TEXT NOT NULL, since INTEGER NOT NULL, until INTEGER NOT NULL,
    template INTEGER NOT NULL, PRIMARY KEY (name, since)) WITHOUT ROWID;
CREATE TABLE uniques (
    what TEXT NOT NULL, value TEXT NOT NULL, node TEXT NOT NULL,
    PRIMARY KEY (what, value)) WITHOUT ROWID;
"""

TABLES: Final = (
    "meta",
    "revisions",
    "touches",
    "templates",
    "turns",
    "nodes",
    "stayed",
    "uniques",
)
