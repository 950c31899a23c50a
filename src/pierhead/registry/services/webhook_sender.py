"""One try to deliver: signed, sealed secrets opened for just that long."""

import hashlib
import hmac
from dataclasses import dataclass

from pierhead import __version__
from pierhead.kit.errors import InvalidState
from pierhead.kit.sealing import Seal
from pierhead.registry.domain.webhooks import Delivery, Destination
from pierhead.registry.ports import Deliverer, Post, Reply, Unreached

SIGNATURE_HEADER = "X-Databricks-Signature"
DELIVERY_HEADER = "X-Pierhead-Delivery-Id"

_PURPOSE = "registry webhooks"


def webhook_seal(key: bytes) -> Seal:
    """Under `key`, the home's secret key, what webhooks must carry and nobody may read."""
    return Seal(key, _PURPOSE)


@dataclass(frozen=True, slots=True)
class WebhookSender:
    """`others_reach_private` lets webhooks of everybody into the own network, not only those of admins."""

    seal: Seal
    deliverer: Deliverer
    others_reach_private: bool = False

    def send(self, destination: Destination, delivery: Delivery) -> Reply | Unreached:
        """POST the delivery's body. Waits for the answer, so never within a transaction."""
        body = delivery.body.encode()
        headers = {
            "Content-Type": "application/json",
            "User-Agent": f"pierhead/{__version__}",
            DELIVERY_HEADER: delivery.id,
        }
        try:
            secret = self._open(destination.sealed_secret)
            authorization = self._open(destination.sealed_authorization)
        except InvalidState as error:
            return Unreached(f"the webhook's secret or authorization cannot be read: {error.message}")
        if secret:
            headers[SIGNATURE_HEADER] = signature(secret, body)
        if authorization:
            headers["Authorization"] = authorization
        reaches_private = destination.reaches_private or self.others_reach_private
        return self.deliverer.post(Post(destination.url, body, headers, destination.verifies_tls, reaches_private))

    def _open(self, sealed: str | None) -> str | None:
        return None if sealed is None else self.seal.open(sealed)


def signature(secret: str, body: bytes) -> str:
    """The hex HMAC-SHA256 of the body, as it is sent, under the secret.

    >>> signature("key", b"The quick brown fox jumps over the lazy dog")[:16]
    'f7bc83f430538424'
    """
    return hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
