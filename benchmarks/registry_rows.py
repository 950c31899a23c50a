"""A registry of some size, written through the stores into the database of a home that nobody serves yet."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from sqlalchemy import Connection, update

from pierhead.identity.domain.grantees import USERS, Grantee, GranteeType, group
from pierhead.identity.domain.levels import ROOT, Entry, Level
from pierhead.identity.domain.objects import Kind
from pierhead.identity.domain.privileges import METASTORE, Grant, Privilege, Securable, SecurableType
from pierhead.identity.services.accounts import Identities
from pierhead.identity.store.grants import GrantStore
from pierhead.identity.store.permissions import PermissionStore
from pierhead.kit.clock import SystemClock
from pierhead.registry.domain.models import ModelVersion, Ready, RegisteredModel
from pierhead.registry.domain.stages import Stage
from pierhead.registry.store.models import ModelStore
from pierhead.registry.store.tables import registered_models
from pierhead.registry.store.versions import VersionStore

DEEP = "main.team00.deep"
"""The model with very many versions."""

RUNS_OF = 20
"""So many versions of DEEP come from one run."""

_CATALOGS = ("main", "dev", "lab", "legacy")
_SCHEMAS = 5
_VERSIONS_OF_EACH = 3
_BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
_READER = "reader"


def name_of(number: int) -> str:
    """The name of one of the many models.

    >>> name_of(1), name_of(1999)
    ('dev.team00.model_0001', 'legacy.team04.model_1999')
    """
    catalog = _CATALOGS[number % len(_CATALOGS)]
    return f"{catalog}.team{number // len(_CATALOGS) % _SCHEMAS:02}.model_{number:04}"


def run_of(number: int) -> str:
    """The run that a version of DEEP comes from."""
    return f"{number // RUNS_OF:032x}"


def fill(connection: Connection, *, models: int, versions: int) -> str:
    """Write `models` models of a few versions each, and DEEP with `versions`; all have tags, stages and aliases.

    Gives the token of a user who may read about a third of the models, by rights of every kind, and DEEP among them.
    """
    ids = [_add_model(connection, number) for number in range(models)]
    deep = _add_deep(connection, versions)
    return _reader(connection, [deep, *ids[::10]])


def _add_model(connection: Connection, number: int) -> str:
    name = name_of(number)
    # Models are not touched in the order of their names.
    at = _BEGINNING + timedelta(minutes=number * 7919 % 100_000)
    tags = {"team": f"team{number % 40:02}", "cost_center": str(number % 7)}
    owner = _READER if number % 100 == 7 else "ann"
    model = RegisteredModel(
        sha256(name.encode()).hexdigest()[:32], name, "What it is for.", "ann", owner, at, at, tags, {}
    )
    store = ModelStore(connection)
    store.add(model)
    stages = (Stage.ARCHIVED, Stage.PRODUCTION, Stage.STAGING)
    for version in range(1, _VERSIONS_OF_EACH + 1):
        _add_version(connection, model, version, stages[version - 1], f"{number:08x}{version:024x}")
    _count(connection, model.id, _VERSIONS_OF_EACH)
    return model.id


def _add_deep(connection: Connection, versions: int) -> str:
    model = RegisteredModel(
        sha256(DEEP.encode()).hexdigest()[:32],
        DEEP,
        "Trained every hour.",
        "ann",
        "ann",
        _BEGINNING,
        _BEGINNING,
        {},
        {},
    )
    ModelStore(connection).add(model)
    for version in range(1, versions + 1):
        _add_version(connection, model, version, _stage(version, versions), run_of(version))
    _count(connection, model.id, versions)
    return model.id


def _count(connection: Connection, model_id: str, versions: int) -> None:
    """Say once how many numbers were given. Row by row, in one transaction, Postgres would look through all the former
    states of the model's row each time."""
    row = update(registered_models).where(registered_models.c.id == model_id)
    connection.execute(row.values(last_number=versions))


def _stage(version: int, versions: int) -> Stage:
    """As it comes about where every tenth version goes to Production: the last is there, all before are Archived."""
    if version == versions - 20:
        return Stage.PRODUCTION
    if version == versions - 5:
        return Stage.STAGING
    return Stage.ARCHIVED if version % 10 == 0 and version < versions - 20 else Stage.NONE


def _add_version(connection: Connection, model: RegisteredModel, number: int, stage: Stage, run_id: str) -> None:
    models, versions = ModelStore(connection), VersionStore(connection)
    at = model.created_at + timedelta(minutes=number)
    logged = sha256(f"{model.id}/{number}".encode()).hexdigest()
    version = ModelVersion(
        id=logged[32:],
        model_id=model.id,
        model_name=model.name,
        number=number,
        stage=stage,
        state=Ready(logged),
        source=f"models:/m-{logged[:32]}",
        run_id=run_id,
        run_link=None,
        run_workspace_id=None,
        logged_model_id=f"m-{logged[:32]}",
        description=None,
        user_name="ann",
        person="ann",
        created_at=at,
        updated_at=at,
        tags={"auc": f"0.{number % 1000:03}", "candidate": "yes" if number % 100 == 0 else "no"},
        aliases=(),
    )
    versions.add(version)
    if stage is Stage.PRODUCTION:
        for alias in ("production", "champion"):
            models.set_alias(model.id, alias, version.id)


def _reader(connection: Connection, on_list: list[str]) -> str:
    identities = Identities(connection, SystemClock())
    identities.set_up()
    account = identities.create_user(_READER)
    everybody, reader = group(USERS), Grantee(GranteeType.USER, account.id)
    permissions, grants = PermissionStore(connection), GrantStore(connection)
    # A new platform lets everybody read every model.
    permissions.forget_grantee(everybody)
    grants.remove(Grant(METASTORE, everybody, privilege) for privilege in Privilege)
    permissions.put(Entry(Kind.MODEL, model_id, reader, Level.CAN_READ) for model_id in on_list)
    permissions.put([Entry(Kind.EXPERIMENT, ROOT, everybody, Level.CAN_READ)])
    grants.add(_opened(reader))
    return identities.create_token(account, "benchmark")


def _opened(reader: Grantee) -> Iterator[Grant]:
    """A whole catalog, and one schema of another."""
    lab, dev = Securable(SecurableType.CATALOG, "lab"), Securable(SecurableType.CATALOG, "dev")
    for securable, privilege in (
        (lab, Privilege.USE_CATALOG),
        (lab, Privilege.USE_SCHEMA),
        (lab, Privilege.EXECUTE),
        (dev, Privilege.USE_CATALOG),
        (Securable(SecurableType.SCHEMA, "dev.team01"), Privilege.USE_SCHEMA),
        (Securable(SecurableType.SCHEMA, "dev.team01"), Privilege.EXECUTE),
    ):
        yield Grant(securable, reader, privilege)
