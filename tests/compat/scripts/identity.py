"""The life of users, groups, service principals and tokens through the Databricks SDK; prints what was seen."""

import json
import os

from databricks.sdk import WorkspaceClient
from databricks.sdk.errors import DatabricksError
from databricks.sdk.service.iam import ComplexValue, Patch, PatchOp, PatchSchema
from databricks.sdk.service.settings import PublicTokenInfo

HOST = os.environ["DATABRICKS_HOST"]
PATCH = [PatchSchema.URN_IETF_PARAMS_SCIM_API_MESSAGES_2_0_PATCH_OP]
admin = WorkspaceClient()
seen: dict[str, object] = {}


def refusal(operation):
    try:
        operation()
    except DatabricksError as error:
        return [type(error).__name__, str(error)]
    return ["none", ""]


me = admin.current_user.me()
seen["me"] = [me.user_name, [group.display for group in me.groups], me.active]

ada = admin.users.create(user_name="ada@compat.org", display_name="Ada", entitlements=[ComplexValue(value="x-right")])
again = admin.users.get(ada.id)
seen["created"] = [again.user_name, again.display_name, again.active, [one.value for one in again.entitlements]]
found = admin.users.list(filter='userName eq "ADA@compat.org"', attributes="id,userName")
seen["found"] = [user.user_name for user in found]
seen["pages"] = len([user.id for user in admin.users.list(count=1)]) == len([user.id for user in admin.users.list()])
seen["unreadable"] = refusal(lambda: list(admin.users.list(filter="shoe eq 42")))

leads = next(iter(admin.groups.list(filter='displayName eq "ml-leads"')))
join = [Patch(op=PatchOp.ADD, value={"members": [{"value": ada.id}]})]
admin.groups.patch(leads.id, operations=join, schemas=PATCH)
seen["joined"] = [group.display for group in admin.users.get(ada.id).groups]
# Other tests let people into this group, too.
seen["members"] = [member.display for member in admin.groups.get(leads.id).members if member.value == ada.id]

program = admin.service_principals.create(display_name="compat-ci", groups=[ComplexValue(value=leads.id)])
made = admin.token_management.create_obo_token(program.application_id, comment="ci", lifetime_seconds=3600)
seen["managed"] = made.token_info.owner_id == int(program.id)
ci = WorkspaceClient(host=HOST, token=made.token_value)
seen["program"] = [ci.current_user.me().user_name, [group.display for group in ci.current_user.me().groups]]
seen["not an admin"] = refusal(lambda: ci.users.create(user_name="eve"))
seen["reads"] = "ada@compat.org" in [user.user_name for user in ci.users.list()]

own = ci.tokens.create(comment="own", lifetime_seconds=60)
ci.tokens.update(
    own.token_info.token_id,
    PublicTokenInfo(comment="mine"),
    update_mask=type("Mask", (), {"ToJsonString": lambda _self: "comment"})(),
)
seen["tokens"] = sorted(info.comment for info in ci.tokens.list())
ci.tokens.delete(own.token_info.token_id)
seen["deleted token"] = refusal(lambda: WorkspaceClient(host=HOST, token=own.token_value).current_user.me())[0]
seen["get token"] = admin.token_management.get(made.token_info.token_id).token_info.comment
seen["listed token"] = made.token_info.token_id in [info.token_id for info in admin.token_management.list()]
admin.token_management.delete(made.token_info.token_id)
seen["revoked"] = refusal(ci.current_user.me)[0]

leave = [Patch(op=PatchOp.REMOVE, path=f'members[value eq "{ada.id}"]')]
admin.groups.patch(leads.id, operations=leave, schemas=PATCH)
seen["left"] = admin.users.get(ada.id).groups
admin.users.update(ada.id, user_name="ada@compat.org", display_name="A.", active=False)
seen["updated"] = [admin.users.get(ada.id).display_name, admin.users.get(ada.id).active]
group = admin.groups.create(display_name="compat-group", members=[ComplexValue(value=program.id)])
admin.groups.update(group.id, display_name="compat-group")
seen["emptied"] = admin.groups.get(group.id).members
admin.groups.delete(group.id)
seen["group gone"] = refusal(lambda: admin.groups.get(group.id))[0]
seen["built in"] = refusal(lambda: admin.groups.delete(leads.id))
admin.users.delete(ada.id)
seen["user gone"] = refusal(lambda: admin.users.get(ada.id))[0]
seen["name taken"] = refusal(lambda: admin.users.create(user_name="ada@compat.org"))
seen["last admin"] = refusal(lambda: admin.users.delete(me.id))
admin.service_principals.delete(program.id)
gone = admin.service_principals.list(filter=f'applicationId eq "{program.application_id}"')
seen["program gone"] = [one.display_name for one in gone]
print(json.dumps(seen))
