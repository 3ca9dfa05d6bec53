"""What is said of a kernel that was taken in."""

from kpcmd.context import Session
from kpstore.kernels.gather import Gathered


def warn_of(session: Session, taken: Gathered) -> None:
    """Say what of a kernel that was taken in is doubtful."""
    for note in taken.notes:
        session.out.warn(note)
