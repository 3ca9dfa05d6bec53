"""Times as people write them."""

from kpcmd.errors import WrongUsage
from kpstore.errors import InvalidInput
from kpstore.site.reader import parse_time


def written(text: str | None) -> int | None:
    """Return the time that a person wrote; None stays. See `history.times`."""
    try:
        return None if text is None else parse_time(text)
    except InvalidInput as error:
        raise WrongUsage(error.message, hint=error.hint) from None
