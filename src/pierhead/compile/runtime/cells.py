"""What counts as a plain value of a column: what MLflow takes for the same number or string in every format."""

from typing import Annotated, Any

from msgspec import Meta

from pierhead.compile.domain.artifact import ColumnSpec

# Beyond, a float64 does not tell one whole number from the next; MLflow's own columns do.
EXACT_WHOLE = 2**53

_WHOLE = Annotated[int, Meta(ge=-EXACT_WHOLE, le=EXACT_WHOLE)]
_WHOLE_64 = Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)]
_WHOLE_32 = Annotated[int, Meta(ge=-(2**31), le=2**31 - 1)]

CELL_TYPES: dict[str, Any] = {
    "double": float | None,
    "float": float | None,
    "long": _WHOLE,
    "integer": _WHOLE_32,
    "boolean": bool,
    "string": str,
}
"""By MLflow's type, the type of a JSON value that is plain: `1.0` is no long, `1` no boolean, and a null is a NaN only
in columns of floats. (What MLflow makes of a null among strings depends on its neighbours.)"""


def cell_type(column: ColumnSpec) -> Any:
    """The type of a plain value of a column. Of one that the model drops, a whole number is one however large."""
    return _WHOLE_64 if column.kind == "long" and not column.is_used else CELL_TYPES[column.kind]


ANY_SCALAR: Any = str | int | float | bool | None
"""Of columns that the model does not know."""
