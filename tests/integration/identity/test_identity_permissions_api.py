"""Databricks' permissions through the official SDK."""

from collections.abc import Iterator

import pytest
from databricks.sdk.errors import InvalidParameterValue, NotFound, PermissionDenied
from databricks.sdk.service import iam, ml, serving
from rights_world import Doors

from pierhead.kit.db import Database


@pytest.fixture
def doors(database: Database) -> Iterator[Doors]:
    with Doors(database).open() as doors:
        yield doors


def shown(found: iam.ObjectPermissions) -> dict[str, list[str]]:
    """Who -> levels; inherited ones with the object that they come from."""
    return {
        line.user_name or line.group_name or line.service_principal_name or "": [
            f"{one.permission_level.value} from {one.inherited_from_object[0]}"
            if one.inherited and one.inherited_from_object and one.permission_level
            else one.permission_level.value
            if one.permission_level
            else ""
            for one in line.all_permissions or []
        ]
        for line in found.access_control_list or []
    }


def test_the_access_list_has_databricks_shape(doors: Doors) -> None:
    answer = doors.send("GET", "/api/2.0/permissions/registered-models/m2").json()
    root = ["/registered-models/root"]
    assert answer == {
        "object_id": "/registered-models/m2",
        "object_type": "registered-model",
        "access_control_list": [
            {
                "user_name": "sam",
                "display_name": "sam",
                "all_permissions": [{"permission_level": "CAN_MANAGE", "inherited": False}],
            },
            {
                "group_name": "admins",
                "display_name": "admins",
                "all_permissions": [
                    {"permission_level": "CAN_MANAGE", "inherited": True, "inherited_from_object": root}
                ],
            },
            {
                "group_name": "ml-leads",
                "display_name": "ml-leads",
                "all_permissions": [
                    {
                        "permission_level": "CAN_MANAGE_PRODUCTION_VERSIONS",
                        "inherited": True,
                        "inherited_from_object": root,
                    }
                ],
            },
            {
                "group_name": "users",
                "display_name": "users",
                "all_permissions": [{"permission_level": "CAN_READ", "inherited": True, "inherited_from_object": root}],
            },
        ],
    }


def test_put_replaces_and_patch_adds_and_the_owner_keeps_the_object(doors: Doors) -> None:
    w = doors.sam
    edit, read = iam.PermissionLevel.CAN_EDIT, iam.PermissionLevel.CAN_READ
    w.permissions.update(
        "registered-models",
        "m2",
        access_control_list=[
            iam.AccessControlRequest(user_name="sue", permission_level=edit),
            iam.AccessControlRequest(service_principal_name=doors.robot_id, permission_level=edit),
        ],
    )
    after = w.permissions.update(
        "registered-models",
        "m2",
        access_control_list=[iam.AccessControlRequest(group_name="data-scientists", permission_level=read)],
    )
    direct = {who: levels[0] for who, levels in shown(after).items() if " from " not in levels[0]}
    assert direct == {
        "sam": "CAN_MANAGE",
        "sue": "CAN_EDIT",
        doors.robot_id: "CAN_EDIT",
        "data-scientists": "CAN_READ",
    }

    replaced = w.permissions.set(
        "registered-models",
        "m2",
        access_control_list=[iam.AccessControlRequest(user_name="rea", permission_level=edit)],
    )
    direct = {who: levels[0] for who, levels in shown(replaced).items() if " from " not in levels[0]}
    assert direct == {"sam": "CAN_MANAGE", "rea": "CAN_EDIT"}
    assert w.permissions.get("registered-models", "m2") == replaced

    emptied = w.permissions.set("registered-models", "m2")
    assert shown(emptied)["sam"] == ["CAN_MANAGE"]
    assert "rea" not in shown(emptied)


def test_a_later_level_takes_the_place_of_an_earlier_one_also_a_higher_one(doors: Doors) -> None:
    for level in (iam.PermissionLevel.CAN_MANAGE, iam.PermissionLevel.CAN_QUERY):
        after = doors.sam.permissions.update(
            "serving-endpoints",
            "e1",
            access_control_list=[iam.AccessControlRequest(user_name="rea", permission_level=level)],
        )
    assert shown(after)["rea"] == ["CAN_QUERY"]


def test_the_typed_methods_of_each_area_are_the_same_doors(doors: Doors) -> None:
    w = doors.sam
    model_level = ml.RegisteredModelPermissionLevel
    model = w.model_registry.update_permissions(
        "m1",
        access_control_list=[
            ml.RegisteredModelAccessControlRequest(
                user_name="sue", permission_level=model_level.CAN_MANAGE_STAGING_VERSIONS
            )
        ],
    )
    assert w.model_registry.get_permissions("m1") == model
    assert (model.object_id, model.object_type) == ("/registered-models/m1", "registered-model")
    assert w.model_registry.set_permissions("m1") != model
    assert [
        level.permission_level for level in w.model_registry.get_permission_levels("m1").permission_levels or []
    ] == [
        model_level.CAN_READ,
        model_level.CAN_EDIT,
        model_level.CAN_MANAGE_STAGING_VERSIONS,
        model_level.CAN_MANAGE_PRODUCTION_VERSIONS,
        model_level.CAN_MANAGE,
    ]

    endpoint_level = serving.ServingEndpointPermissionLevel
    endpoint = w.serving_endpoints.update_permissions(
        "e1",
        access_control_list=[
            serving.ServingEndpointAccessControlRequest(group_name="users", permission_level=endpoint_level.CAN_QUERY)
        ],
    )
    assert w.serving_endpoints.get_permissions("e1") == endpoint
    assert (endpoint.object_id, endpoint.object_type) == ("/serving-endpoints/e1", "serving-endpoint")
    levels = w.serving_endpoints.get_permission_levels("e1").permission_levels or []
    assert [level.permission_level for level in levels] == [
        endpoint_level.CAN_VIEW,
        endpoint_level.CAN_QUERY,
        endpoint_level.CAN_MANAGE,
    ]

    experiment_level = ml.ExperimentPermissionLevel
    experiment = w.experiments.set_permissions(
        "7",
        access_control_list=[
            ml.ExperimentAccessControlRequest(user_name="sue", permission_level=experiment_level.CAN_EDIT)
        ],
    )
    assert w.experiments.get_permissions("7") == experiment
    assert (experiment.object_id, experiment.object_type) == ("/experiments/7", "mlflowExperiment")
    assert all(level.description for level in w.experiments.get_permission_levels("7").permission_levels or [])


def test_an_id_is_kept_in_its_one_form(doors: Doors) -> None:
    asked = [iam.AccessControlRequest(user_name="sue", permission_level=iam.PermissionLevel.CAN_EDIT)]
    assert doors.sam.permissions.update("experiments", "07", access_control_list=asked).object_id == "/experiments/7"
    assert shown(doors.sam.permissions.get("experiments", "7"))["sue"] == ["CAN_EDIT"]


def test_levels_on_the_root_are_for_every_object_of_the_kind(doors: Doors) -> None:
    asked = [iam.AccessControlRequest(user_name="rea", permission_level=iam.PermissionLevel.CAN_MANAGE)]
    after = doors.root.permissions.update("registered-models", "root", access_control_list=asked)
    assert after.object_id == "/registered-models/root"
    assert shown(after)["admins"] == ["CAN_MANAGE"]
    assert shown(after)["rea"] == ["CAN_MANAGE"]
    on_one = doors.sdk("rea").permissions.get("registered-models", "m1")
    assert shown(on_one)["rea"] == ["CAN_MANAGE from /registered-models/root"]
    # Now a manager of every model, and thereby of this list too.
    doors.sdk("rea").permissions.set("registered-models", "m1")


def test_only_who_manages_an_object_changes_its_list(doors: Doors) -> None:
    asked = [iam.AccessControlRequest(user_name="sue", permission_level=iam.PermissionLevel.CAN_MANAGE)]
    for change in (doors.sdk("sue").permissions.update, doors.sdk("sue").permissions.set):
        for kind, id in (("registered-models", "m1"), ("serving-endpoints", "e1"), ("experiments", "7")):
            with pytest.raises(PermissionDenied, match=r"user 'sue' may not manage .* its owner 'sam' or an admin"):
                change(kind, id, access_control_list=asked)
        with pytest.raises(PermissionDenied, match=r"may not manage all registered models: .* an admin can give it"):
            change("registered-models", "root", access_control_list=asked)
    assert "sue" not in shown(doors.root.permissions.get("registered-models", "m1"))


def test_who_may_not_read_an_object_does_not_see_its_list(doors: Doors) -> None:
    doors.root.permissions.set("serving-endpoints", "root")
    for name in ("rea", "sue", "lea"):
        with pytest.raises(PermissionDenied, match="may not read"):
            doors.sdk(name).permissions.get("serving-endpoints", "e1")
        with pytest.raises(PermissionDenied, match="may not read"):
            doors.sdk(name).permissions.get_permission_levels("serving-endpoints", "e1")
    doors.sam.permissions.get("serving-endpoints", "e1")


WRONG_ENTRIES: list[tuple[object, str]] = [
    ({"user_name": "nobody", "permission_level": "CAN_EDIT"}, "user 'nobody' does not exist"),
    ({"user_name": "Sue", "permission_level": "CAN_EDIT"}, "user 'Sue' does not exist"),
    ({"user_name": "robot", "permission_level": "CAN_EDIT"}, "user 'robot' does not exist"),
    ({"group_name": "sue", "permission_level": "CAN_EDIT"}, "group 'sue' does not exist"),
    ({"service_principal_name": "ci", "permission_level": "CAN_EDIT"}, "service principal 'ci' does not exist"),
    (
        {"user_name": "sue", "permission_level": "CAN_QUERY"},
        "has no permission level CAN_QUERY; there are CAN_READ",
    ),
    ({"user_name": "sue", "permission_level": "CAN_FLY"}, "must be one of"),
    ({"user_name": "sue"}, "must be one of"),
    ({"permission_level": "CAN_EDIT"}, "exactly one of user_name, group_name, service_principal_name"),
    ({"user_name": "sue", "group_name": "users", "permission_level": "CAN_EDIT"}, "exactly one of"),
    ("sue", "exactly one of"),
]


def test_what_is_wrong_with_an_entry_is_said_and_nothing_changes(doors: Doors) -> None:
    good = {"user_name": "rea", "permission_level": "CAN_EDIT"}
    for entry, words in WRONG_ENTRIES:
        for method in ("PUT", "PATCH"):
            body = {"access_control_list": [good, entry]}
            answer = doors.send(method, "/api/2.0/permissions/registered-models/m1", body)
            assert (answer.status, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
            assert words in answer.json()["message"]
    assert "rea" not in shown(doors.root.permissions.get("registered-models", "m1"))


def test_a_principal_named_twice_is_refused(doors: Doors) -> None:
    asked = [
        iam.AccessControlRequest(user_name="sue", permission_level=level)
        for level in (iam.PermissionLevel.CAN_READ, iam.PermissionLevel.CAN_EDIT)
    ]
    with pytest.raises(InvalidParameterValue, match="named twice"):
        doors.root.permissions.set("registered-models", "m1", access_control_list=asked)


def test_objects_are_found_by_id_and_the_name_is_no_id(doors: Doors) -> None:
    for kind, id in (("registered-models", "churn"), ("serving-endpoints", "fraud"), ("experiments", "99")):
        with pytest.raises(NotFound, match="wants the id, not the name"):
            doors.root.permissions.get(kind, id)
    with pytest.raises(
        InvalidParameterValue, match=r"'clusters' have no permissions here; there are registered-models"
    ):
        doors.root.permissions.get("clusters", "1")
