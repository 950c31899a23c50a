"""Hear of a version with the official SDK: `webhooks.py MODEL RECEIVER_URL`."""

import json
import sys

from databricks.sdk import WorkspaceClient
from databricks.sdk.service.ml import HttpUrlSpec, RegistryWebhookEvent, RegistryWebhookStatus

model, url = sys.argv[1:]
registry = WorkspaceClient().model_registry
registry.create_model(model)
spec = HttpUrlSpec(url=url, secret="shared key", authorization="Bearer hunter2")
made = registry.create_webhook(
    [RegistryWebhookEvent.COMMENT_CREATED, RegistryWebhookEvent.MODEL_VERSION_CREATED],
    model_name=model,
    http_url_spec=spec,
    description="chat",
    status=RegistryWebhookStatus.TEST_MODE,
).webhook
tried = registry.test_registry_webhook(made.id)
active = registry.update_webhook(made.id, status=RegistryWebhookStatus.ACTIVE).webhook
listed = [webhook.as_dict() for webhook in registry.list_webhooks(model_name=model, max_results=1)]
print(json.dumps({"made": made.as_dict(), "tried": tried.as_dict(), "active": active.as_dict(), "listed": listed}))
