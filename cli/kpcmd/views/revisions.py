"""A line of the history, as JSON and as text. Times are UTC."""

from typing import Any

from kpstore.site.reader import Revision, SiteReader, utc


def revision_json(line: Revision) -> dict[str, Any]:
    """Return the document of one revision."""
    return {
        "revision": f"r{line.number}",
        "commit": line.commit,
        "time": utc(line.time),
        "author": line.author,
        "op": line.op,
        "subject": line.subject,
    }


def revision_line(line: Revision) -> str:
    """Say who changed something, when and why."""
    who = f"{line.author}, {line.op}"
    when = utc(line.time)
    return f"r{line.number} {line.commit[:12]} {when} ({who}) {line.subject}"


def served(site: SiteReader, live: str) -> str:
    """Say what a target serves and whose that is; nothing of what isn't known here."""
    line = site.line_of(live) if live else None
    return f"r{line.number} by {line.author}" if line else ""
