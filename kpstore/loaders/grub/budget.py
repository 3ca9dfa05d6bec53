"""How much work a script may make: what others wrote must come to an end."""

from dataclasses import dataclass
from typing import Final

from kpstore.errors import InvalidInput

STEPS: Final = 200_000
"""Far more than any real grub.cfg takes, and a second or two of kp's time."""
BYTES_A_STEP: Final = 50
LOOK: Final = 20
"""Steps that a look at the tree counts for."""


@dataclass(slots=True)
class Budget:
    """The steps that are left."""

    left: int = STEPS

    def spend(self, steps: int) -> None:
        """Take some; InvalidInput when there are none left."""
        self.left -= steps
        if self.left < 0:
            raise InvalidInput(f"it takes more than {STEPS:,} steps: does it ever end?")
