"""Fields of documents that hold parameters, and other words of administrators.

Those that documents of before don't have are not written where they say nothing.
"""

from typing import Annotated, Final, Literal

from pydantic import Field, StringConstraints

from kpstore.model import bounds, names

_UNLESS_EMPTY: Final = Field(exclude_if=lambda value: not value)
_MOST: Final = Field(max_length=bounds.PARAMETERS)

Parameter = Annotated[str, StringConstraints(pattern=names.PARAMETER, max_length=1024)]
Parameters = Annotated[tuple[Parameter, ...], _MOST]
Without = Annotated[Parameters, _UNLESS_EMPTY]

Table = Annotated[Literal[1, 2], Field(exclude_if=lambda value: value == 1)]
Key = Annotated[str, StringConstraints(pattern=names.PARAMETER_KEY)]
Keys = Annotated[tuple[Key, ...], _MOST, _UNLESS_EMPTY]
KeySet = Annotated[tuple[Key, ...], Field(min_length=2)]
Server = Annotated[
    str, StringConstraints(pattern=names.SERVER, max_length=255), _UNLESS_EMPTY
]
_Reason = Annotated[
    str,
    StringConstraints(min_length=1, max_length=1024, pattern=r"^[^\x00-\x1f\x7f]*$"),
]
Locks = Annotated[dict[_Reason, str], _UNLESS_EMPTY]
KeySets = Annotated[tuple[KeySet, ...], _MOST, _UNLESS_EMPTY]
