"""The registry's tables and what reads and writes them."""

from pierhead.kit import outbox as outbox
from pierhead.registry.store import evidence_tables as evidence_tables
from pierhead.registry.store import policy_tables as policy_tables
from pierhead.registry.store import promotion_tables as promotion_tables
from pierhead.registry.store import tables as tables
from pierhead.registry.store import webhook_tables as webhook_tables
