"""Which revisions a query asks for, as one question to the index."""

from typing import Final, NamedTuple

from kpstore.history.revisions import Query, Touch

# A turn of a template is a node's where it came while the node booted by it; a node
# that moves at the same revision has a touch of its own.
_OF_NODE: Final = """
    SELECT number FROM touches
    WHERE kind IN ('node', 'boot') AND name = ? AND within = ''
    UNION SELECT turns.number FROM nodes JOIN turns USING (template)
    WHERE nodes.name = ? AND turns.number > nodes.since
    UNION SELECT turns.number FROM stayed JOIN turns USING (template)
    WHERE stayed.name = ? AND turns.number > stayed.since
    AND turns.number < stayed.until"""


class Question(NamedTuple):
    """SQL whose rows are revisions, newest first, and the values for its marks."""

    sql: str
    values: list[object]


def question(query: Query) -> Question:
    """Return what to ask the index for a query."""
    tables, clauses, values = "revisions r", list[str](), list[object]()
    if query.node is not None:
        tables += f" JOIN ({_OF_NODE}) n ON n.number = r.number"
        values += [query.node] * _OF_NODE.count("?")
    for number, touch in enumerate(query.touches):
        alias = f"t{number}"
        tables += f" JOIN touches {alias} ON {alias}.number = r.number"
        clause, found = _touch(alias, touch)
        clauses.append(clause)
        values += found
    for condition, value in (
        ("r.author = ?", query.author),
        ("r.op = ?", query.op),
        ("r.time >= ?", query.since),
        ("r.time <= ?", query.until),
    ):
        if value is not None:
            clauses.append(condition)
            values.append(value)
    where = f" WHERE {' AND '.join(clauses)}" if clauses else ""
    newest = "t0.number" if query.touches else "r.number"
    values.append(-1 if query.limit is None else query.limit)
    # Only where the image is left open may a revision be found twice.
    once = "DISTINCT" if any(t.within is None for t in query.touches) else ""
    order = f" ORDER BY {newest} DESC LIMIT ?"
    return Question(f"SELECT {once} r.* FROM {tables}{where}{order}", values)


def _touch(alias: str, touch: Touch) -> tuple[str, list[str]]:
    """Return the condition under which a row of touches is the one meant."""
    clause = f"{alias}.kind = ? AND {alias}.name = ?"
    if touch.within is None:  # by the index for that: it must say the same condition
        return f"{clause} AND {alias}.within <> ''", [touch.kind, touch.name]
    return f"{clause} AND {alias}.within = ?", list(map(str, touch))
