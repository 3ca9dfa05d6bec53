"""What is said of a kernel: while it is taken in, and once it was."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

from kpcmd.context import Session
from kpstore.kernels.gather import Gathered
from kpstore.kernels.opened import Amount
from kpstore.model.folding import counted


@contextmanager
def taking_in(
    session: Session, what: str = ""
) -> Iterator[tuple[Callable[[int], None], Callable[[Sequence[Amount]], None]]]:
    """Show how far the copying is; give what is told of bytes, and of sizes before."""
    with session.out.progress(f"taking in {what}".rstrip()) as progress:

        def before(amounts: Sequence[Amount]) -> None:
            said = ", ".join(map(_amount, amounts))
            would = "would take in" if session.weighed is not None else "taking in"
            session.out.say(f"{would} {said}: into the store of {session.root}")
            progress.total = sum(amount.size for amount in amounts)

        yield progress.add, before


def _amount(amount: Amount) -> str:
    size = f"{amount.what} {amount.size:,} bytes"
    return f"{size} in {counted(amount.files, 'file')}" if amount.files > 1 else size


def warn_of(session: Session, taken: Gathered) -> None:
    """Say what of a kernel that was taken in is doubtful."""
    for note in taken.notes:
        session.out.warn(note)
