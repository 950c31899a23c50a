"""Who may have a say in what becomes of a model without a right to change it: ask for a promotion, or comment."""

from pierhead.identity.domain.accounts import WORKSPACE_ACCESS
from pierhead.identity.domain.objects import Action
from pierhead.kit.errors import PermissionDenied
from pierhead.kit.web.caller import Caller
from pierhead.registry.domain.models import RegisteredModel
from pierhead.registry.services.rights import ModelRights


def require_taking_part(rights: ModelRights, caller: Caller, model: RegisteredModel, what: str) -> None:
    """`what` ends the sentence "may read ... but not ...". Raises PermissionDenied for who only reads."""
    if WORKSPACE_ACCESS in caller.entitlements and rights.may(Action.READ, model):
        return
    if rights.may(Action.EDIT, model):
        return
    raise PermissionDenied(
        f"{caller.user_name} may read model '{model.name}' but not {what}: that takes the entitlement "
        f"{WORKSPACE_ACCESS}, or CAN_EDIT on the model; ask its owner {model.owner}"
    )
