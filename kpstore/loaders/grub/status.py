"""What GRUB's commands return: 0 for true, else an error (include/grub/err.h)."""

from typing import Final

FALSE: Final = 1
NOT_FOUND: Final = 5
BAD_FILE_TYPE: Final = 11
BAD_ARGUMENT: Final = 18
