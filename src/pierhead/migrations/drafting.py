"""How a revision is drafted from the tables."""

from typing import Any

from alembic.autogenerate.api import AutogenContext
from sqlalchemy.types import TypeDecorator


def render_item(kind: str, item: Any, context: AutogenContext) -> str | bool:
    """Our own column types as the plain types beneath them: a revision must mean the same for ever."""
    if kind != "type" or not isinstance(item, TypeDecorator):
        return False
    from alembic.autogenerate.render import _repr_type

    return _repr_type(item.impl_instance, context)


CONFIGURATION: dict[str, Any] = {
    # SQLite cannot alter most things in place.
    "render_as_batch": True,
    "render_item": render_item,
    "compare_type": True,
    "compare_server_default": True,
}
"""Options of Alembic's context, for upgrades and for drafting alike."""
