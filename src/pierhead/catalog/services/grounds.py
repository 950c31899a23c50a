"""What all services of catalogs, tables and volumes stand on."""

from dataclasses import dataclass

from pierhead.catalog.ports import Inhabitants
from pierhead.kit.clock import Clock
from pierhead.kit.home import Home


@dataclass(frozen=True, slots=True)
class Grounds:
    """`inhabitants` is what others keep under the names of schemas."""

    home: Home
    clock: Clock
    inhabitants: Inhabitants
