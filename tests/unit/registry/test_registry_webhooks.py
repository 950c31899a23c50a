import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID
from databricks.sdk.service.ml import RegistryWebhookEvent, RegistryWebhookStatus

from fakes.webhooks import Receiver
from pierhead.kit.errors import InvalidArgument, InvalidState
from pierhead.kit.sealing import Seal
from pierhead.registry.adapters.http_deliverer import LARGEST_REPLY_BYTES, HttpDeliverer
from pierhead.registry.domain.events import EventKind, EventName, RegistryEvent, names_of
from pierhead.registry.domain.public_addresses import is_public
from pierhead.registry.domain.stages import Stage
from pierhead.registry.domain.webhook_bodies import body_of, example_of
from pierhead.registry.domain.webhooks import WebhookStatus, check_secrets, check_url, parse_events
from pierhead.registry.ports import Post, Reply, Unreached


def test_events_and_statuses_are_those_of_the_sdk() -> None:
    assert {event.value for event in EventName} == {event.value for event in RegistryWebhookEvent}
    assert {status.value for status in WebhookStatus} == {status.value for status in RegistryWebhookStatus}


@pytest.mark.parametrize("kind", list(EventKind))
@pytest.mark.parametrize("stage", [None, *Stage])
def test_every_event_has_its_general_name_first_and_at_most_one_for_its_stage(
    kind: EventKind, stage: Stage | None
) -> None:
    general, *special = names_of(kind, stage)

    assert general.value == kind.value
    has_special = stage not in (None, Stage.NONE) and kind in (EventKind.TRANSITION_REQUESTED, EventKind.STAGE_CHANGED)
    assert len(special) == int(has_special)
    assert all(stage is not None and stage.value.upper() in name.value for name in special)


def test_the_body_of_a_transition_is_as_databricks_documents_it() -> None:
    event = RegistryEvent(
        EventKind.STAGE_CHANGED, "id", "main.a.b", "ann", 8, from_stage=Stage.NONE, to_stage=Stage.PRODUCTION
    )

    assert body_of(event, EventName.MODEL_VERSION_TRANSITIONED_STAGE, "hook", 1589859029343) == {
        "event": "MODEL_VERSION_TRANSITIONED_STAGE",
        "webhook_id": "hook",
        "event_timestamp": 1589859029343,
        "model_name": "main.a.b",
        "version": "8",
        "from_stage": "None",
        "to_stage": "Production",
        "user_name": "ann",
        "text": "ann transitioned version 8 of registered model 'main.a.b' from None to Production.",
    }


@pytest.mark.parametrize("name", list(EventName))
def test_every_event_has_an_example_that_would_fire_it(name: EventName) -> None:
    example = example_of(name, "main.a.b", "ann")

    assert name in names_of(example.kind, example.to_stage)
    assert body_of(example, name, "hook", 1)["text"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "ftp://example.com/x",
        "file:///etc/passwd",
        "//example.com",
        "https://",
        "https://ann:secret@example.com/",
        "https://exa mple.com/",
        "https://example.com/\r\nX: y",
        "https://example.com:99999/",
        "https://example.com:0/",
        "https://[::1",
        "https://bücher.example/",
        "https://example.com/" + "x" * 3000,
    ],
)
def test_a_url_that_is_no_plain_http_address_is_refused_for_everybody(url: str) -> None:
    with pytest.raises(InvalidArgument):
        check_url(url, reaches_private=True)


@pytest.mark.parametrize(
    "host",
    ["127.0.0.1", "127.9.9.9", "localhost", "x.localhost", "[::1]", "10.1.2.3", "192.168.0.1", "172.16.0.1",
     "169.254.169.254", "[fe80::1]", "[fd00::1]", "0.0.0.0", "[::]", "[::ffff:127.0.0.1]", "100.64.1.1",
     "[64:ff9b::a00:1]", "[2002:7f00:1::]", "255.255.255.255", "224.0.0.1", "[ff02::1]", "[::7f00:1]"],
)  # fmt: skip
def test_addresses_of_the_own_network_are_for_who_may(host: str) -> None:
    with pytest.raises(InvalidArgument, match="not a public address"):
        check_url(f"http://{host}/x", reaches_private=False)
    check_url(f"http://{host}/x", reaches_private=True)


def test_public_addresses_are_for_everybody() -> None:
    for host in ("example.com", "8.8.8.8", "[2606:4700::1111]"):
        check_url(f"https://{host}:8443/hook?x=1", reaches_private=False)
    assert is_public("8.8.8.8")


def test_what_cannot_be_a_header_is_refused_without_being_told() -> None:
    with pytest.raises(InvalidArgument) as refusal:
        check_secrets(None, "Bearer hunter2\r\nX-Evil: 1")
    assert "hunter2" not in refusal.value.message
    check_secrets("any secret, even ünicode", "Bearer x")


def test_events_are_kept_once_each_and_at_least_one() -> None:
    assert parse_events(["COMMENT_CREATED", "COMMENT_CREATED"], of_model=True) == (EventName.COMMENT_CREATED,)
    with pytest.raises(InvalidArgument, match="at least one"):
        parse_events([], of_model=False)
    with pytest.raises(InvalidArgument, match="unknown event"):
        parse_events(["NOPE"], of_model=False)
    with pytest.raises(InvalidArgument, match="whole registry"):
        parse_events(["REGISTERED_MODEL_CREATED"], of_model=True)


def test_a_sealed_text_opens_only_with_its_key_and_purpose() -> None:
    sealed = Seal(b"k" * 32, "webhooks").close("hunter2")

    assert "hunter2" not in sealed
    assert Seal(b"k" * 32, "webhooks").open(sealed) == "hunter2"
    for other in (Seal(b"x" * 32, "webhooks"), Seal(b"k" * 32, "else")):
        with pytest.raises(InvalidState, match="another secret key"):
            other.open(sealed)


def _post(url: str, *, reaches_private: bool = True) -> Post:
    return Post(
        url, b'{"a":1}', {"Content-Type": "application/json", "Authorization": "Bearer x"}, True, reaches_private
    )


def test_a_post_arrives_with_body_and_headers() -> None:
    with Receiver(201, "made") as receiver:
        assert HttpDeliverer().post(_post(receiver.url + "?x=1")) == Reply(201, "made")

    got = receiver.received[0]
    assert (got.path, got.body, got.headers["authorization"]) == ("/hook?x=1", b'{"a":1}', "Bearer x")
    assert got.headers["host"] == receiver.url.split("/")[2]


@pytest.fixture
def tls_receiver(tmp_path: Path) -> Iterator[Receiver]:
    """A receiver with a certificate that it signed itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
        .sign(key, hashes.SHA256())
    )
    pem = tmp_path / "receiver.pem"
    pem.write_bytes(
        certificate.public_bytes(Encoding.PEM) + key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    )
    with Receiver(certificate=pem) as receiver:
        yield receiver


@pytest.mark.filterwarnings("ignore::pytest.PytestUnhandledThreadExceptionWarning")
def test_a_certificate_is_verified_unless_the_webhook_says_otherwise(tls_receiver: Receiver) -> None:
    url = tls_receiver.url.replace("127.0.0.1", "localhost")
    refused = HttpDeliverer().post(_post(url))
    taken = HttpDeliverer().post(replace(_post(url), verifies_tls=False))

    assert isinstance(refused, Unreached)
    assert "certificate is not valid" in refused.reason
    assert taken == Reply(200, "thanks")
    assert len(tls_receiver.received) == 1


def test_redirects_are_not_followed() -> None:
    with Receiver(302) as receiver:
        receiver.headers["Location"] = receiver.url
        reply = HttpDeliverer().post(_post(receiver.url))

    assert isinstance(reply, Reply)
    assert (reply.status, len(receiver.received)) == (302, 1)


def test_no_more_of_a_reply_is_read_than_the_limit() -> None:
    with Receiver(200, "x" * (LARGEST_REPLY_BYTES * 3)) as receiver:
        reply = HttpDeliverer().post(_post(receiver.url))

    assert isinstance(reply, Reply)
    assert len(reply.body) == LARGEST_REPLY_BYTES


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "2130706433", "0x7f.1"])
def test_whoever_may_not_reach_the_own_network_does_not_by_any_name(host: str) -> None:
    with Receiver() as receiver:
        port = receiver.url.split(":")[2]
        reply = HttpDeliverer().post(_post(f"http://{host}:{port}", reaches_private=False))

    assert isinstance(reply, Unreached)
    assert "not a public address" in reply.reason
    assert receiver.received == []


def test_a_receiver_that_is_not_there_is_said_to_be() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
    reply = HttpDeliverer().post(_post(f"http://127.0.0.1:{port}/"))

    assert isinstance(reply, Unreached)
    assert "refused" in reply.reason
    unknown = HttpDeliverer().post(_post("http://nowhere.invalid/"))
    assert isinstance(unknown, Unreached)


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_an_answer_that_trickles_in_for_ever_is_cut_off(scheme: str) -> None:
    stop = threading.Event()

    def trickle(listener: socket.socket) -> None:
        connection, _ = listener.accept()
        with connection:
            try:
                connection.sendall(b"HTTP/1.1 200 OK\r\n" if scheme == "http" else b"\x16\x03\x03\x40\x00")
                while not stop.wait(0.05):
                    connection.sendall(b"X")
            except OSError:
                return

    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=trickle, args=(listener,))
        thread.start()
        began_s = time.monotonic()
        url = f"{scheme}://127.0.0.1:{listener.getsockname()[1]}/"
        reply = HttpDeliverer(total_timeout_s=0.4).post(_post(url))
        took_s = time.monotonic() - began_s
        stop.set()
        thread.join(5)

    assert isinstance(reply, Unreached)
    assert took_s < 3
