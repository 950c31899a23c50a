"""Rights through the official SDK, on a whole platform."""

import json

from harness.platform import Platform

MODEL = "main.rights.model"


def test_rights_are_given_used_and_taken_away_with_the_sdk(platform: Platform) -> None:
    for name, groups in (("rights-sam", ["--group", "data-scientists"]), ("rights-rea", [])):
        platform.cli("users", "create", name, *groups)
    tokens = {"admin": platform.token, "rea": platform.exports("rights-rea")["DATABRICKS_TOKEN"]}

    seen = platform.run_client("rights.py", MODEL, user="rights-sam", variables={"RIGHTS_TOKENS": json.dumps(tokens)})

    refused, words = seen["describe without"]
    assert refused == "PermissionDenied"
    assert f"user 'rights-rea' may not edit registered model '{MODEL}': that takes CAN_EDIT on it" in words
    assert "its owner 'rights-sam' or an admin can give it with w.permissions.update" in words
    assert seen["give without"][0] == "PermissionDenied"
    assert seen["given"] == seen["the same by w.permissions"] == ["CAN_EDIT"]
    assert seen["describe with"] == ["done", ""]
    assert seen["describe after"][0] == "PermissionDenied"
    assert seen["model levels"] == [
        "CAN_READ",
        "CAN_EDIT",
        "CAN_MANAGE_STAGING_VERSIONS",
        "CAN_MANAGE_PRODUCTION_VERSIONS",
        "CAN_MANAGE",
    ]

    assert seen["tag without"][0] == "PermissionDenied"
    assert seen["tag with"] == ["done", ""]
    assert seen["effective"] == [["APPLY_TAG", "SCHEMA", "main.rights"]]
    assert seen["listed"] == ["rights-rea"]
    assert seen["catalog by rea"][0] == "PermissionDenied"
    assert "CREATE_CATALOG" in seen["catalog by rea"][1]
    assert seen["catalog by sam"] == ["done", ""]

    assert seen["run without"][0] == "PermissionDenied"
    assert seen["run with"] == ["done", ""]
    assert seen["experiment"] == ["CAN_EDIT"]

    assert seen["own level"] == ["CAN_MANAGE", "CAN_VIEW"]
    assert "'rights-rea' may not query serving endpoint 'rights': that takes CAN_QUERY" in seen["query without"]
    assert seen["given after s"] < 3
    assert seen["taken after s"] < 3

    assert seen["root by sam"][0] == "PermissionDenied"
    assert seen["root"] == {
        "admins": ["CAN_MANAGE"],
        "data-scientists": ["CAN_QUERY"],
        "ml-leads": ["CAN_MANAGE"],
        "users": ["CAN_VIEW"],
    }
    assert seen["root after"] == ["CAN_QUERY"]
