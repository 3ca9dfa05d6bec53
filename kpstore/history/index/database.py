"""The derived index, cache/index.db: who touched what, and the census of main.

Never a source of truth: it answers for exactly the commit that `head` names, and
whatever is wrong with it, it is as if there were none.

It is written durably (4 flushes a commit), so that it outlives a power cut: making it
anew takes a walk over all of history, which nobody wants to wait for at 3 a.m.
The journal mode is DELETE, so that readers who may not write can open it.
"""

import os
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping
from itertools import islice
from operator import itemgetter
from pathlib import Path
from typing import Any, Final, Self, TypeVar
from weakref import finalize
from zlib import crc32

from kpstore.disk.durable import make_directories, remove_tree
from kpstore.errors import Conflict
from kpstore.history.index import hits, schema
from kpstore.history.index.connection import (
    BESIDE,
    MADE_ANEW,
    Connection,
    IndexFailed,
    connect,
    guarded,
    transaction,
)
from kpstore.history.index.steps import HeldValue, NodeChange, Step
from kpstore.history.revisions import Query, Revision

_AT_ONCE: Final = 400  # pairs in one question: SQLite takes 999 values at least
_NOTE: Final = "said "
_COLUMNS: Final = "number, commit_id, time, author, op, subject"
_Pair = TypeVar("_Pair", bound=tuple[str, str])


class Index:
    """An index that can be read; `Index.open` or `Index.create` make one."""

    def __init__(self, connection: Connection) -> None:
        self._db = connection
        finalize(self, connection.close)

    @classmethod
    def open(cls, path: Path) -> Self | None:
        """Open the index; None when absent, damaged or of another schema."""
        try:
            with guarded("opening the index", reading=True):
                index = cls(connect(path, "rw" if os.access(path, os.W_OK) else "ro"))
                names = "WHERE name IN ('schema', 'head')"
                sql = f"SELECT name, value FROM meta {names}"
                meta = dict(index._db.execute(sql))
        except IndexFailed:
            return None
        fits = meta.get("schema") == schema.VERSION
        return index if fits and "head" in meta else None

    @classmethod
    def create(cls, path: Path) -> Self:
        """Make an empty index in place of whatever is there."""
        make_directories(path.parent)
        for suffix in ("", *BESIDE):
            remove_tree(path.with_name(path.name + suffix))
        with guarded("making the index"):
            index = cls(connect(path, "rwc"))
            with transaction(index._db):
                for statement in schema.SCRIPT.split(";"):
                    index._db.execute(statement)
                index._set("schema", schema.VERSION)
            return index

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    # --- writing

    def feed(self, step: Step) -> None:
        """Add the next commit; Conflict when the index does not stand at its parent."""
        self.feed_all([step])

    def feed_all(
        self, steps: Iterable[Step], progress: Callable[[int], None] | None = None
    ) -> None:
        """Add commits, oldest first, in one transaction; all of them or none."""
        with guarded("feeding the index"), transaction(self._db):
            for step in steps:
                self._feed(step)
                if progress:
                    progress(step.revision.number)

    def _feed(self, step: Step) -> None:
        head = self._get("head")
        if head != step.parent:
            text = f"the index stands at {head}, not at {step.parent}"
            raise Conflict(text, hint="try again: another writer was first")
        number = step.revision.number
        self._db.execute("INSERT INTO revisions VALUES (?,?,?,?,?,?)", step.revision)
        self._db.executemany(
            "INSERT OR IGNORE INTO touches VALUES (?,?,?,?)",
            ((*place, number) for place in sorted(step.touched)),
        )
        if step.anew:
            self._forget(number)
        if step.relisted:
            self._db.execute("DELETE FROM uniques")
        self._move(step.nodes, number)
        self._turn(step.turned, number)
        self._hold(step.freed, step.taken)
        self._set("head", step.revision.commit)

    def _forget(self, number: int) -> None:
        """Forget the census; what nodes booted by until then stays known."""
        leave = "INSERT INTO stayed SELECT name, since, ?, template FROM nodes"
        self._db.execute(leave, (number,))
        for table in ("templates", "nodes"):
            self._db.execute(f"DELETE FROM {table}")

    def _move(self, nodes: Iterable[NodeChange], number: int) -> None:
        moved = sorted(node for node in nodes if node.old != node.new)
        delta = Counter(node.new for node in moved if node.new is not None)
        delta.subtract(node.old for node in moved if node.old is not None)
        self._db.executemany(
            "INSERT INTO templates (key, count) VALUES (?, ?)"
            " ON CONFLICT (key) DO UPDATE SET count = count + excluded.count",
            delta.items(),
        )
        ids = self._template_ids(delta)
        left = [(number, node.name) for node in moved if node.old is not None]
        gone = [(node.name,) for node in moved if node.new is None]
        came = [(n.name, ids[n.new], number) for n in moved if n.new is not None]
        leave = (
            "INSERT INTO stayed SELECT name, since, ?, template FROM nodes"
            " WHERE name = ?"
        )
        self._db.executemany(leave, left)
        self._db.executemany("DELETE FROM nodes WHERE name = ?", gone)
        self._db.executemany("INSERT OR REPLACE INTO nodes VALUES (?,?,?)", came)
        self._db.execute("DELETE FROM templates WHERE count = 0")

    def _turn(self, templates: Iterable[str], number: int) -> None:
        insert = "INSERT INTO turns SELECT id, ? FROM templates WHERE key = ?"
        self._db.executemany(insert, ((number, key) for key in sorted(templates)))

    def _template_ids(self, keys: Iterable[str]) -> dict[str, int]:
        query = "SELECT id FROM templates WHERE key = ?"
        return {key: self._db.execute(query, (key,)).fetchone()[0] for key in keys}

    def _hold(self, freed: Iterable[HeldValue], taken: Iterable[HeldValue]) -> None:
        delete = "DELETE FROM uniques WHERE what = ? AND value = ? AND node = ?"
        self._db.executemany(delete, sorted(freed))
        # Nodes come in order, so each kind of value nearly does: sorted in two
        # steps, 300,000 take a tenth of the time; in order, SQLite appends.
        in_order = sorted(sorted(taken, key=itemgetter(0)))
        self._db.executemany("INSERT OR REPLACE INTO uniques VALUES (?,?,?)", in_order)

    def note(self, notes: Mapping[str, str]) -> None:
        """Keep texts by name beside the history, whatever commit it stands at."""
        with guarded("feeding the index"), transaction(self._db):
            for name, text in notes.items():
                self._set(f"{_NOTE}{name}", f"{_sum(text)} {text}")

    # --- reading; IndexFailed when that can't be done

    def check(self) -> None:
        """Read everything, and hold each table against its indexes."""
        [(found,)] = self._rows("PRAGMA integrity_check(1)")
        tables = {name for (name,) in self._rows("SELECT name FROM sqlite_master")}
        missing = [name for name in schema.TABLES if name not in tables]
        if found != "ok" or missing:
            found = f"no table {missing[0]}" if missing else found
            raise IndexFailed(f"checking the index: {found}", hint=MADE_ANEW)

    def noted(self, name: str) -> str | None:
        """Return the text kept by `note`; None without one, and in a new index."""
        with guarded("reading the index", reading=True):
            found = self._get(f"{_NOTE}{name}")
        if found is None:
            return None
        digest, _, text = found.partition(" ")
        if digest != _sum(text):
            raise IndexFailed(f"reading the index: the note {name!r} is not as written")
        return text

    def head(self) -> str | None:
        """Return the commit that the index answers for; None before the first."""
        with guarded("reading the index", reading=True):
            return self._get("head")

    def revision(self, number: int) -> Revision | None:
        """Return one revision by its number."""
        return self._one("WHERE number = ?", number)

    def at(self, time: int) -> Revision | None:
        """Return the newest revision written at or before a time, along main."""
        return self._one("WHERE time <= ? ORDER BY number DESC LIMIT 1", time)

    def of_commit(self, prefix: str) -> list[Revision]:
        """Return the revisions whose commit id starts with hex digits, two at most."""
        where = "WHERE commit_id >= ? AND commit_id < ? LIMIT 2"
        return self._select(where, (prefix, prefix + "g"))

    def revisions(self, query: Query) -> list[Revision]:
        """Return the revisions that a query asks for, newest first."""
        sql, values = hits.question(query)
        return [Revision(*row) for row in self._rows(sql, *values)]

    def before_changes(self, kinds: Collection[str], after: int) -> list[Revision]:
        """Return main's tip and what changes of some kinds came after, newest first."""
        where = (
            "WHERE number > ? AND number IN (SELECT max(number) FROM revisions UNION"
            " SELECT number - 1 FROM touches WHERE kind IN"
            f" ({','.join('?' * len(kinds))})) ORDER BY number DESC"
        )
        return self._select(where, (after, *kinds))

    def templates(self) -> dict[str, int]:
        """Return the keys of the templates in use, and the number of their nodes."""
        return dict(self._rows("SELECT key, count FROM templates"))

    def nodes_by_boot(self) -> list[tuple[str, str, int]]:
        """Return how many nodes boot which image ('': none) and entry ('': default)."""
        parts = "json_extract(key, '$[0]'), json_extract(key, '$[1]')"
        return self._rows(f"SELECT {parts}, sum(count) FROM templates GROUP BY 1, 2")

    def template_of(self, node: str) -> str | None:
        """Return the key of a node's template."""
        sql = (
            "SELECT key FROM templates JOIN nodes ON nodes.template = templates.id"
            " WHERE nodes.name = ?"
        )
        return next((key for (key,) in self._rows(sql, node)), None)

    def holders(self, values: Collection[_Pair]) -> dict[_Pair, str]:
        """Return the nodes that hold any of these unique values."""
        found: dict[_Pair, str] = {}
        pairs = iter(values)
        while chunk := list(islice(pairs, _AT_ONCE)):
            sql = (
                f"WITH wanted(w, v) AS (VALUES {','.join(['(?,?)'] * len(chunk))})"
                " SELECT what, value, node FROM wanted"
                " CROSS JOIN uniques ON what = w AND value = v"
            )
            rows = self._rows(sql, *(part for pair in chunk for part in pair))
            found |= {(what, value): node for what, value, node in rows}
        return found

    def nodes_of(self, template: str) -> list[str]:
        """Return the sorted names of the nodes of a template, by its key."""
        sql = (
            "SELECT name FROM nodes WHERE template ="
            " (SELECT id FROM templates WHERE key = ?) ORDER BY name"
        )
        return [name for (name,) in self._rows(sql, template)]

    def macs(self) -> dict[str, list[str]]:
        """Return the MACs of the nodes of each template, by its key.

        They come as one text each: a row for each of 100,000 takes twice the time.
        """
        sql = (
            "SELECT key, group_concat(value, ' ') FROM uniques"
            " JOIN nodes ON nodes.name = node JOIN templates ON templates.id = template"
            " WHERE what = 'mac' GROUP BY template"
        )
        return {key: macs.split() for key, macs in self._rows(sql)}

    # ---

    def _one(self, where: str, *values: object) -> Revision | None:
        return next(iter(self._select(where, values)), None)

    def _select(self, where: str, values: tuple[object, ...]) -> list[Revision]:
        sql = f"SELECT {_COLUMNS} FROM revisions {where}"
        return [Revision(*row) for row in self._rows(sql, *values)]

    def _rows(self, sql: str, *values: object) -> list[tuple[Any, ...]]:
        with guarded("reading the index", reading=True):
            return self._db.execute(sql, values).fetchall()

    def _get(self, name: str) -> str | None:
        query = "SELECT value FROM meta WHERE name = ?"
        row = self._db.execute(query, (name,)).fetchone()
        return row[0] if row else None

    def _set(self, name: str, value: str) -> None:
        self._db.execute("INSERT OR REPLACE INTO meta VALUES (?,?)", (name, value))


def _sum(text: str) -> str:
    return f"{crc32(text.encode()):08x}"
