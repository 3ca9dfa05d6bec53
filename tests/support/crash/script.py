"""What a harness is aimed at: three functions over a directory.

`setup(dir)` fills the empty directory; what it leaves counts as durable.
`operation(dir, ack)` runs in a forked child that may die at any moment. It calls
`ack(text)` where a user is told that something has happened.
`check(dir, acks)` looks at what is left and returns the bad things found; it may
change the directory (start the next command, say), which is restored afterwards.

The operation may ack a refusal as well (`ack("refused r3")`): a check that sees it
knows that the process lived to say so, and can ask for the old state.
An exception of the operation is a finding unless it is one of `expected`.
The directory has the same path for all runs of one worker, but not of two workers.
"""

import traceback
from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from pathlib import Path

from support.crash.child import Ending, Job, SharedLog

Ack = Callable[[str], None]
Bug = Callable[[], AbstractContextManager[None]]

WHOLE = slice(None)  # of the points of a harness: all of them


@dataclass(frozen=True)
class Script:
    """One story to be interrupted; `limit`: seconds before a run counts as hung."""

    name: str
    setup: Callable[[Path], None]
    operation: Callable[[Path, Ack], None]
    check: Callable[[Path, list[str]], list[str]]
    expected: tuple[type[BaseException], ...] = (OSError,)
    limit: int = 120

    def job(self, root: Path, acks: SharedLog) -> Job:
        """The operation as the work of a child."""

        def work() -> None:
            self.operation(root, acks.add)

        return Job(work, self.expected, self.limit)

    def verdict(self, root: Path, acks: list[str], ending: Ending) -> list[str]:
        """Everything that is wrong after a run; an exception of the check is."""
        wrong = []
        if ending.kind in {"crashed", "hung"}:
            wrong.append(f"the operation {ending.kind}: {ending.detail}")
        try:
            wrong += self.check(root, acks)
        except Exception as error:  # whatever it is, it is what a user would meet
            place = traceback.extract_tb(error.__traceback__)[-1]
            where = f"{Path(place.filename).name}:{place.lineno}"
            wrong.append(f"check raised {type(error).__name__} at {where}: {error}")
        return [each.replace(str(root), "DIR") for each in wrong]

    def with_bug(self, name: str, bug: Bug, *, in_check: bool = False) -> "Script":
        """The same story told by a program with a bug: `bug()` is on in the child.

        With `in_check` it is on there too: for bugs of what the next start does.
        """

        def operation(root: Path, ack: Ack) -> None:
            with bug():
                self.operation(root, ack)

        def check(root: Path, acks: list[str]) -> list[str]:
            with bug() if in_check else nullcontext():
                return self.check(root, acks)

        name = f"{self.name} [{name}]"
        return replace(self, name=name, operation=operation, check=check)
