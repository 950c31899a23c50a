"""Which tables an endpoint may write its invocations to."""

import pytest
from serving_rig import Rig, spec

from pierhead.identity.domain.grantees import USERS, group
from pierhead.identity.domain.privileges import METASTORE, Grant, Privilege
from pierhead.identity.store.grants import GrantStore
from pierhead.kit.errors import PermissionDenied
from pierhead.kit.web.caller import Caller
from pierhead.serving.domain.capture import CaptureConfig
from pierhead.serving.domain.drafts import ConfigDraft
from pierhead.serving.services.endpoints import Endpoints
from pierhead.serving.services.inference_places import make_place
from pierhead.serving.store.endpoints import EndpointStore

SAM, LEA = Caller("2", "sam", frozenset()), Caller("3", "lea", frozenset())


def _create(rig: Rig, name: str, by: Caller, prefix: str) -> None:
    draft = ConfigDraft((spec(),), None, CaptureConfig("main", "fraud", prefix, True))
    with rig.database.transaction() as connection:
        made = Endpoints(connection, rig.clock, rig.versions).create(name, draft, creator=by.user_name)
        make_place(connection, rig.clock, by, None, made)


def _let_everybody_make_tables(rig: Rig) -> None:
    ways = (Privilege.USE_CATALOG, Privilege.USE_SCHEMA, Privilege.CREATE_TABLE)
    with rig.database.transaction() as connection:
        GrantStore(connection).add(Grant(METASTORE, group(USERS), way) for way in ways)


def test_nobody_writes_into_the_inference_table_of_an_endpoint_of_others(rig: Rig) -> None:
    _let_everybody_make_tables(rig)
    _create(rig, "first", LEA, "shared")

    with pytest.raises(PermissionDenied, match="endpoint 'first', which sam does not manage"):
        _create(rig, "second", SAM, "shared")
    _create(rig, "third", SAM, "own")
    _create(rig, "fourth", LEA, "shared")


def test_a_table_stays_taken_while_a_new_config_without_it_is_not_active_yet(rig: Rig) -> None:
    _let_everybody_make_tables(rig)
    _create(rig, "first", LEA, "shared")
    off = ConfigDraft((spec(),), None, CaptureConfig("main", "fraud", "shared", False))
    with rig.database.transaction() as connection:
        endpoints = Endpoints(connection, rig.clock, rig.versions)
        EndpointStore(connection).activate(endpoints.get("first").id, 1)
        endpoints.update_config("first", off, creator="lea")

    with pytest.raises(PermissionDenied, match="endpoint 'first', which sam does not manage"):
        _create(rig, "second", SAM, "shared")
