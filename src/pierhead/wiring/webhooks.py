"""How registry webhooks are sent, by the api to try them and by the controller."""

from pierhead.kit.settings import Settings
from pierhead.registry.adapters.http_deliverer import HttpDeliverer
from pierhead.registry.services.webhook_sender import WebhookSender, webhook_seal


def webhook_sender(settings: Settings, key: bytes) -> WebhookSender:
    """`key` is the home's secret key."""
    return WebhookSender(webhook_seal(key), HttpDeliverer(), others_reach_private=settings.webhooks_to_private)
