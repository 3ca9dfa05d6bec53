"""Times as people read and write them: ISO 8601."""

from datetime import UTC, datetime

from kpstore.errors import InvalidInput


def utc(time: float) -> str:
    """Return seconds since 1970 as text, UTC."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def parse_time(text: str) -> int:
    """Return seconds since 1970 of an ISO 8601 time, UTC unless it says a zone."""
    try:
        found = datetime.fromisoformat(text.strip())
        aware = found if found.tzinfo else found.replace(tzinfo=UTC)
        return int(aware.timestamp())
    except (ValueError, OverflowError):
        raise InvalidInput(
            f"{text!r} is no time", hint="2026-11-20, 2026-11-20 14:00, …14:00+01:00"
        ) from None
