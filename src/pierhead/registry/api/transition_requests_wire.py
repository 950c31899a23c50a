"""Requests, activities and comments as the Databricks registry writes them."""

from collections.abc import Sequence
from typing import Any

from pierhead.kit.clock import to_ms
from pierhead.registry.api.oss_wire import without_none
from pierhead.registry.domain.activities import Activity, ActivityKind
from pierhead.registry.domain.requests import TransitionRequest
from pierhead.registry.domain.targets import place_text

APPROVE, REJECT, CANCEL = "APPROVE_TRANSITION_REQUEST", "REJECT_TRANSITION_REQUEST", "CANCEL_TRANSITION_REQUEST"
EDIT_COMMENT, DELETE_COMMENT = "EDIT_COMMENT", "DELETE_COMMENT"


def request_json(request: TransitionRequest, actions: Sequence[str], system_comment: str | None) -> dict[str, Any]:
    """What `create_transition_request` reads, and besides who approved so far and when the request ends."""
    return without_none(
        {
            "id": request.id,
            "to_stage": place_text(request.place),
            "from_stage": request.from_stage.value,
            "user_id": request.creator,
            "creation_timestamp": to_ms(request.created_at),
            "last_updated_timestamp": to_ms(request.created_at),
            "comment": request.comment or "",
            "system_comment": system_comment,
            "available_actions": list(actions),
            "expiration_timestamp": None if request.expires_at is None else to_ms(request.expires_at),
            "approvals": [
                {
                    "user_id": given.approver,
                    "creation_timestamp": to_ms(given.approval.at),
                    "comment": given.comment or "",
                }
                for given in request.approvals
            ],
        }
    )


def open_request_json(
    request: TransitionRequest, actions: Sequence[str], system_comment: str | None = None
) -> dict[str, Any]:
    """What `list_transition_requests` reads: the request as the activity that it began with."""
    return request_json(request, actions, system_comment) | {"activity_type": ActivityKind.REQUESTED.value}


def activity_json(activity: Activity) -> dict[str, Any]:
    return without_none(
        {
            "id": activity.id,
            "activity_type": activity.kind.value,
            "from_stage": activity.from_place,
            "to_stage": activity.to_place,
            "user_id": activity.by,
            "comment": activity.comment or "",
            "system_comment": activity.system_comment,
            "creation_timestamp": to_ms(activity.created_at),
            "last_updated_timestamp": to_ms(activity.updated_at),
        }
    )


def comment_json(activity: Activity, actions: Sequence[str]) -> dict[str, Any]:
    return {
        "id": activity.id,
        "user_id": activity.by,
        "comment": activity.comment or "",
        "creation_timestamp": to_ms(activity.created_at),
        "last_updated_timestamp": to_ms(activity.updated_at),
        "available_actions": list(actions),
    }
