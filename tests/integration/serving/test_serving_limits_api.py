"""Rate limits and time-outs, as the official SDK asks for them."""

from typing import Any

import pytest
from databricks.sdk.errors import InvalidParameterValue
from databricks.sdk.service import serving as sdk
from test_serving_api import Api, entity
from test_serving_api import api as api

from pierhead.serving.domain.snapshot import RateLimit

MINUTE = sdk.AiGatewayRateLimitRenewalPeriod.MINUTE
OLD_MINUTE = sdk.RateLimitRenewalPeriod.MINUTE


def routed_limits(api: Api) -> list[RateLimit]:
    api.rig.tick(2)
    return api.rig.route().rate_limits


def test_limits_of_the_ai_gateway_reach_gateways_and_can_be_read_back(api: Api) -> None:
    api.create()
    api.rig.until_ready()
    limits = [
        sdk.AiGatewayRateLimit(MINUTE, calls=600),
        sdk.AiGatewayRateLimit(MINUTE, calls=60, key=sdk.AiGatewayRateLimitKey.USER),
        sdk.AiGatewayRateLimit(MINUTE, calls=90, key=sdk.AiGatewayRateLimitKey.USER_GROUP, principal="risk"),
        sdk.AiGatewayRateLimit(MINUTE, calls=9, key=sdk.AiGatewayRateLimitKey.SERVICE_PRINCIPAL, principal="ci"),
    ]
    answer = api.sdk.put_ai_gateway("fraud", rate_limits=limits)
    assert answer.rate_limits is not None
    assert [limit.calls for limit in answer.rate_limits] == [600, 60, 90, 9]
    shown = api.sdk.get("fraud").ai_gateway
    assert shown is not None
    assert shown.rate_limits == answer.rate_limits
    assert routed_limits(api) == [
        RateLimit(600, "endpoint"),
        RateLimit(60, "user"),
        RateLimit(90, "group", "risk"),
        RateLimit(9, "user", "ci"),
    ]
    api.sdk.put_ai_gateway("fraud", usage_tracking_config=sdk.AiGatewayUsageTrackingConfig(True))
    assert routed_limits(api) == []


def test_the_older_call_sets_limits_and_leaves_the_rest_of_the_gateways_settings(api: Api) -> None:
    api.create()
    api.rig.until_ready()
    api.sdk.put_ai_gateway("fraud", usage_tracking_config=sdk.AiGatewayUsageTrackingConfig(True))
    answer = api.sdk.put("fraud", rate_limits=[sdk.RateLimit(5, OLD_MINUTE, sdk.RateLimitKey.USER)])
    assert answer.rate_limits == [sdk.RateLimit(5, OLD_MINUTE, sdk.RateLimitKey.USER)]
    shown = api.sdk.get("fraud").ai_gateway
    assert shown is not None
    assert shown.usage_tracking_config == sdk.AiGatewayUsageTrackingConfig(True)
    assert routed_limits(api) == [RateLimit(5, "user")]
    assert not api.sdk.put("fraud").rate_limits
    assert routed_limits(api) == []


def test_limits_may_be_given_with_the_endpoint(api: Api) -> None:
    config = sdk.EndpointCoreConfigInput.from_dict({"served_entities": [entity()]})
    api.sdk.create("fraud", config=config, rate_limits=[sdk.RateLimit(7, OLD_MINUTE)])
    api.rig.until_ready()
    assert routed_limits(api) == [RateLimit(7, "endpoint")]


@pytest.mark.parametrize(
    ("limit", "fact"),
    [
        ({"calls": 0, "renewal_period": "minute"}, "not from 1"),
        ({"renewal_period": "minute"}, "needs calls"),
        ({"calls": 5, "renewal_period": "hour"}, "must be 'minute', not 'hour'"),
        ({"calls": 5}, "must be 'minute', not None"),
        ({"calls": 5, "renewal_period": "minute", "key": "planet"}, "'planet' is not one of endpoint, user"),
        ({"calls": 5, "renewal_period": "minute", "key": "user_group"}, "needs its principal"),
        ({"calls": 5, "renewal_period": "minute", "burst": 9}, "unknown fields: burst"),
    ],
)
def test_limits_that_cannot_be_are_refused(api: Api, limit: dict[str, Any], fact: str) -> None:
    api.create()
    for path in ("ai-gateway", "rate-limits"):
        answer = api.send("PUT", f"/api/2.0/serving-endpoints/fraud/{path}", {"rate_limits": [limit]})
        assert (answer.status, answer.json()["error_code"]) == (400, "INVALID_PARAMETER_VALUE")
        assert fact in answer.json()["message"]


def test_limits_of_tokens_are_not_implemented(api: Api) -> None:
    api.create()
    limit = {"tokens": 5, "renewal_period": "minute"}
    answer = api.send("PUT", "/api/2.0/serving-endpoints/fraud/ai-gateway", {"rate_limits": [limit]})
    assert (answer.status, answer.json()["error_code"]) == (501, "NOT_IMPLEMENTED")


def test_a_tag_sets_the_time_out_of_an_endpoint(api: Api) -> None:
    config = sdk.EndpointCoreConfigInput.from_dict({"served_entities": [entity()]})
    api.sdk.create("fraud", config=config, tags=[sdk.EndpointTag("pierhead.timeout_s", "30")])
    api.rig.until_ready()
    assert api.rig.route().timeout_s == 30
    with pytest.raises(InvalidParameterValue, match="from 1 to 297 seconds, not '400'"):
        api.sdk.patch("fraud", add_tags=[sdk.EndpointTag("pierhead.timeout_s", "400")])
    api.sdk.patch("fraud", delete_tags=["pierhead.timeout_s"])
    api.rig.tick(2)
    assert api.rig.route().timeout_s is None
