"""Times as people write and read them: ISO 8601, UTC."""

from datetime import UTC, datetime

from kpcmd.errors import WrongUsage
from kpstore.errors import InvalidInput
from kpstore.site.reader import parse_time


def shown(time: int) -> str:
    """Return a time (seconds since 1970) as text."""
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def written(text: str | None) -> int | None:
    """Return the time that a person wrote; None stays. See `revspec.parse_time`."""
    try:
        return None if text is None else parse_time(text)
    except InvalidInput as error:
        raise WrongUsage(error.message, hint=error.hint) from None
