"""The rights that a new platform starts with. They are ordinary rows: admins may take them away again."""

from collections.abc import Iterator

from sqlalchemy import Connection

from pierhead.identity.domain.grantees import USERS, Grantee, group
from pierhead.identity.domain.levels import ROOT, Entry, Level
from pierhead.identity.domain.objects import Kind
from pierhead.identity.domain.privileges import METASTORE, Grant, Privilege
from pierhead.identity.store import milestones
from pierhead.identity.store.grants import GrantStore
from pierhead.identity.store.permissions import PermissionStore

_MADE = "default rights"

_DEFAULT_EXPERIMENT = "0"
"""MLflow's `Default`: where runs go that name no experiment. Nobody owns it."""

_EVERYBODY = group(USERS)
_SCIENTISTS = group("data-scientists")
_LEADS = group("ml-leads")

_READS = (
    Privilege.USE_CATALOG,
    Privilege.USE_SCHEMA,
    Privilege.EXECUTE,
    Privilege.SELECT,
    Privilege.READ_VOLUME,
)
_MAKES = (
    Privilege.CREATE_CATALOG,
    Privilege.CREATE_SCHEMA,
    Privilege.CREATE_MODEL,
    Privilege.CREATE_TABLE,
    Privilege.CREATE_VOLUME,
)


def set_up_defaults(connection: Connection) -> None:
    """Make the default rights, once in the life of a platform: what was taken away does not come back.

    The groups must exist.
    """
    if milestones.is_reached(connection, _MADE):
        return
    PermissionStore(connection).put(
        (
            Entry(Kind.MODEL, ROOT, _EVERYBODY, Level.CAN_READ),
            Entry(Kind.EXPERIMENT, ROOT, _EVERYBODY, Level.CAN_READ),
            Entry(Kind.ENDPOINT, ROOT, _EVERYBODY, Level.CAN_VIEW),
            Entry(Kind.ENDPOINT, ROOT, _SCIENTISTS, Level.CAN_QUERY),
            Entry(Kind.ENDPOINT, ROOT, _LEADS, Level.CAN_MANAGE),
            Entry(Kind.MODEL, ROOT, _LEADS, Level.CAN_MANAGE_PRODUCTION_VERSIONS),
            Entry(Kind.EXPERIMENT, _DEFAULT_EXPERIMENT, _SCIENTISTS, Level.CAN_EDIT),
            Entry(Kind.EXPERIMENT, _DEFAULT_EXPERIMENT, _LEADS, Level.CAN_EDIT),
        )
    )
    GrantStore(connection).add((*_grants(_EVERYBODY, _READS), *_grants(_SCIENTISTS, _MAKES), *_grants(_LEADS, _MAKES)))
    milestones.reach(connection, _MADE)


def _grants(grantee: Grantee, privileges: tuple[Privilege, ...]) -> Iterator[Grant]:
    return (Grant(METASTORE, grantee, privilege) for privilege in privileges)
