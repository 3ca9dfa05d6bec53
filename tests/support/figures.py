"""The type of the `figure` fixture (tests/conftest.py): notes a line for the end."""

from collections.abc import Callable

Figure = Callable[[object], None]
