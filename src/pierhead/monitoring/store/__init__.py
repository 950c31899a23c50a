"""What is kept of monitors and alerts. Importing this package declares the area's tables."""

from pierhead.monitoring.store import alert_tables as alert_tables
from pierhead.monitoring.store import monitor_defaults as monitor_defaults
from pierhead.monitoring.store import monitor_tables as monitor_tables
