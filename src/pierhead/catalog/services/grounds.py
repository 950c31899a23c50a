"""What all services of catalogs, tables and volumes stand on."""

from dataclasses import dataclass, field

from pierhead.catalog.ports import Inhabitants, NoViews, Views
from pierhead.kit.clock import Clock
from pierhead.kit.home import Home


@dataclass(frozen=True, slots=True)
class Grounds:
    """`inhabitants` is what others keep under the names of schemas, `views` what comes with tables."""

    home: Home
    clock: Clock
    inhabitants: Inhabitants
    views: Views = field(default_factory=NoViews)
