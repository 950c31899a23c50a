"""Who asked for it hears by e-mail of a refresh that failed."""

from sqlalchemy import Connection

from pierhead.kit.ids import new_id
from pierhead.monitoring.domain.alert_records import Delivery
from pierhead.monitoring.domain.destinations import Destination, DestinationKind
from pierhead.monitoring.domain.monitors import Monitor, MonitorStatus, Refresh
from pierhead.monitoring.store.alert_outbox import DeliveryStore, DestinationStore


def tell_failure(connection: Connection, monitor: Monitor, refresh: Refresh) -> int:
    """Write a message for each address of the monitor; how many. It is sent as messages of alerts are.

    Refreshes that fail one after the other are told once: `monitor` is as it was before this one.
    """
    if monitor.status in (MonitorStatus.ERROR, MonitorStatus.FAILED):
        return 0
    now = refresh.ended_at or refresh.asked_at
    subject = f"The monitor of {monitor.table} could not be refreshed"
    body = (
        f"Refresh {refresh.id} of the monitor of {monitor.table}, asked for at {refresh.asked_at:%Y-%m-%d %H:%M:%SZ}, "
        f"failed: {refresh.message}\n\n"
        "Its metrics are as old as the last refresh that succeeded. You hear of the next failure after a refresh has "
        f"succeeded again. To look closer: pierhead monitors show {monitor.table}\n"
    )
    for address in monitor.notifications.on_failure:
        destination = _destination(connection, address, monitor, refresh)
        DeliveryStore(connection).add(Delivery(new_id(), destination.id, "", subject, body, now))
    return len(monitor.notifications.on_failure)


def _destination(connection: Connection, address: str, monitor: Monitor, refresh: Refresh) -> Destination:
    """An address alone is a destination of its own name."""
    store = DestinationStore(connection)
    known = store.find(address)
    if known is None:
        made_at = refresh.ended_at or refresh.asked_at
        known = Destination(new_id(), address, DestinationKind.EMAIL, monitor.created_by, made_at, addresses=(address,))
        store.add(known)
    return known
