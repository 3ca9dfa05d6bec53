"""Every error that kp raises on purpose.

```
KpError
├── InvalidInput        a value breaks a grammar or a rule
├── NotFound            a name that this site does not have
├── Refused             the request is understood and would do harm
│   └── NeedsConfirmation   ... unless a person says so (`--force`, `-y`)
├── Conflict            main moved under a draft or plan
├── Drift               a target differs from its commit, or is ahead of main
├── Locked              another writer holds the site for too long
├── CorruptState        the repository or an artifact can't be read as written
└── DiskFailure         the operating system refused a read or a write
```

A front end maps `code` to its own language (exit status, HTTP status); nothing
in kpstore knows of those.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import ClassVar


class KpError(Exception):
    """An expected failure: `message` says what and where, `hint` what to do."""

    code: ClassVar[str] = "failed"

    def __init__(self, message: str, *, hint: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.hint = hint


class InvalidInput(KpError):
    """A value breaks a grammar or a rule of the model."""

    code = "invalid"


class NotFound(KpError):
    """A name that this site, commit or file system does not have."""

    code = "not-found"


class Refused(KpError):
    """The request is understood; carrying it out would break a promise."""

    code = "refused"


class NeedsConfirmation(Refused):
    """Refused until a person says so by the option that the hint names."""

    code = "needs-confirmation"


class Conflict(KpError):
    """Main moved under a draft or a plan; both sides are named."""

    code = "conflict"


class Drift(KpError):
    """What a target serves differs from its commit, or is ahead of main."""

    code = "drift"


class Locked(KpError):
    """Another writer holds the site's lock for longer than the caller waits."""

    code = "locked"


class CorruptState(KpError):
    """History or an artifact can't be read as it was written."""

    code = "corrupt"


class DiskFailure(KpError):
    """The operating system refused; the message names the file and the errno."""

    code = "disk"

    @classmethod
    def of(cls, error: OSError, doing: str) -> "DiskFailure":
        """Say what was being done when `error` came, and to which file."""
        name = error.filename if error.filename is not None else ""
        where = f" {name}" if name else ""
        return cls(f"{doing}{where}: {error.strerror or error}")


@contextmanager
def disk_failures(doing: str) -> Iterator[None]:
    """Turn an OSError of the block into a DiskFailure that names the file."""
    try:
        yield
    except OSError as error:
        raise DiskFailure.of(error, doing) from error
