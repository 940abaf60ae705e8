# SPDX-License-Identifier: Apache-2.0
"""Webhooks that go out: signed as Standard Webhooks has it, and never further than they should."""

from __future__ import annotations

import base64
import hashlib
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from policyctl.adapters.posting import wire
from policyctl.adapters.posting.pages import fetch_digest
from policyctl.adapters.posting.webhooks import Sent, Webhooks, secrets_of, sign
from policyctl.adapters.posting.wire import Limits, NoReplyError, exchange
from policyctl.core.policy import VersionKey
from policyctl.core.postings import PlaceKind, Posting
from policyctl.errors import UsageError
from tests.peers.webhook_receiver import DRIP, HANG, SECRET, Receiver, receiver

NOW = datetime(2027, 1, 1, 9, tzinfo=UTC)
OTHER = "whsec_" + base64.b64encode(b"x" * 24).decode()
BODY = '{"said":"\\u00e9"}'
POSTING = Posting(
    "post_1", VersionKey("example", 3), "partner", PlaceKind.WEBHOOK, "", "0" * 64, BODY, NOW, 7
)
SHORT = Limits(timeout=0.4, deadline=0.8)


@pytest.fixture
def there() -> Iterator[Receiver]:
    with receiver() as server:
        yield server


def send(server: Receiver, secrets: str = SECRET, limits: Limits | None = None) -> Sent:
    hooks = Webhooks({"POLICYCTL_WEBHOOK_SECRET": secrets}, limits)
    return hooks.send(replace(POSTING, target=server.url), now=NOW)


def test_a_signature_is_the_one_of_the_specifications_own_example() -> None:
    secret = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    said = sign(secret, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert said == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_what_is_sent_is_signed_to_the_byte(there: Receiver) -> None:
    assert send(there) == Sent(taken=True, detail="answered 204")
    (got,) = there.got
    assert got["signed"]
    assert (got["id"], got["at"], got["body"]) == ("post_1", int(NOW.timestamp()), BODY.encode())
    assert got["headers"]["Content-Type"] == "application/json"


def test_a_secret_is_changed_for_another_by_signing_with_both(there: Receiver) -> None:
    send(there, f"{OTHER} {SECRET}")
    send(there, OTHER)
    assert [got["signed"] for got in there.got] == [True, False]


@pytest.mark.parametrize(
    "said", ["", "whsec_", SECRET.removeprefix("whsec_"), "whsec_c2hvcnQ=", "whsec_" + "?" * 44]
)
def test_what_is_no_secret_is_refused_and_never_repeated(said: str) -> None:
    with pytest.raises(UsageError) as caught:
        secrets_of("partner", {"POLICYCTL_WEBHOOK_SECRET": said})
    assert "POLICYCTL_WEBHOOK_SECRET" in f"{caught.value} {caught.value.hint}"
    assert len(said) < 8 or said not in f"{caught.value} {caught.value.hint}"


def test_a_place_may_have_a_secret_of_its_own() -> None:
    environment = {"POLICYCTL_WEBHOOK_SECRET": OTHER, "POLICYCTL_WEBHOOK_SECRET_APP_STORE": SECRET}
    assert secrets_of("app-store", environment) == [bytes(range(32))]
    assert secrets_of("partner", environment) == [b"x" * 24]


@pytest.mark.parametrize(
    ("answer", "wanted"),
    [
        (200, Sent(taken=True, detail="answered 200")),
        (500, Sent(taken=False, detail="answered 500")),
        (404, Sent(taken=False, detail="answered 404")),
        (410, Sent(taken=False, gone=True, detail="answered 410: wants no more")),
        (
            (429, {"Retry-After": "90"}, b""),
            Sent(taken=False, detail="answered 429", wait=timedelta(seconds=90)),
        ),
        (
            (503, {"Retry-After": "Fri, 01 Jan 2027 10:00:00 GMT"}, b""),
            Sent(taken=False, detail="answered 503", wait=timedelta(hours=1)),
        ),
        ((503, {"Retry-After": "soon"}, b""), Sent(taken=False, detail="answered 503")),
        ((200, {}, b"x" * 200_000), Sent(taken=True, detail="answered 200")),
    ],
)
def test_an_answer_says_what_becomes_of_it(answer: object, wanted: Sent) -> None:
    with receiver(answer) as server:
        assert send(server) == wanted


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_no_redirect_is_followed(status: int) -> None:
    with receiver() as other, receiver((status, {"Location": other.url}, b"")) as server:
        sent = send(server)
    assert not sent.taken
    assert "redirect" in sent.detail
    assert other.paths == []


@pytest.mark.parametrize("fault", [HANG, DRIP])
def test_who_answers_too_slowly_has_not_answered(fault: str) -> None:
    with receiver(fault) as server:
        begun = time.monotonic()
        sent = send(server, limits=SHORT)
        took = time.monotonic() - begun
    assert sent == Sent(taken=False, detail="127.0.0.1: no answer in time")
    assert took < 10, "a receiver must not hold up a run"


def test_nobody_at_home_is_a_failure_like_others() -> None:
    with receiver() as server:
        pass
    sent = send(server, limits=SHORT)
    assert not sent.taken
    assert "127.0.0.1" in sent.detail


@pytest.mark.parametrize(
    "url",
    [
        "http://example.com/",
        "ftp://example.com/",
        "https:///hook",
        "https://user:secret@example.com/",
        "https://10.1.2.3/",
        "https://169.254.169.254/latest/meta-data/",
        "https://[fd00::1]/",
        "https://[::ffff:10.0.0.1]/",
        "https://0.0.0.0/",
        "https://2130706433.example.invalid@127.0.0.1/",
    ],
)
def test_what_leads_into_a_network_is_refused_before_a_byte_is_sent(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connected(*_: object) -> None:
        raise AssertionError("it was connected to")

    monkeypatch.setattr(wire.socket, "create_connection", connected)
    real = socket.getaddrinfo
    monkeypatch.setattr(
        wire.socket,
        "getaddrinfo",
        lambda host, *rest, **more: real("93.184.215.14" if host == "example.com" else host, *rest, **more),
    )
    with pytest.raises(UsageError) as caught:
        exchange("POST", url, headers={})
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    ("addresses", "internal", "fits"),
    [
        (["10.0.0.7"], False, False),
        (["10.0.0.7"], True, True),
        (["93.184.215.14", "10.0.0.7"], False, False),
        (["127.0.0.1"], False, False),
        (["127.0.0.1"], True, False),
        (["93.184.215.14"], False, True),
    ],
)
def test_every_address_of_a_name_is_looked_at_and_the_connection_goes_to_one_of_them(
    addresses: list[str], *, internal: bool, fits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, int]] = []

    def connect(address: tuple[str, int], _timeout: float) -> socket.socket:
        asked.append(address)
        raise ConnectionRefusedError(111, "Connection refused")

    found = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, 443)) for address in addresses]
    monkeypatch.setattr(wire.socket, "getaddrinfo", lambda *_, **__: found)
    monkeypatch.setattr(wire.socket, "create_connection", connect)
    with pytest.raises(NoReplyError if fits else UsageError):
        exchange("GET", "https://hooks.example.com/", headers={}, limits=Limits(internal=internal))
    assert asked == ([(address, 443) for address in addresses] if fits else [])


def test_a_certificate_nobody_vouches_for_is_no_answer(tmp_path: Path) -> None:
    port, stop = _tls_server(tmp_path)
    try:
        with pytest.raises(NoReplyError, match=r"self-signed|certificate"):
            exchange("GET", f"https://localhost:{port}/", headers={}, limits=Limits(timeout=3, deadline=5))
    finally:
        stop.set()


def _tls_server(folder: Path) -> tuple[int, threading.Event]:
    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key, name = ec.generate_private_key(ec.SECP256R1()), x509.Name([])
    start = datetime(2020, 1, 1, tzinfo=UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=20_000))
        .add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=True)
        .sign(key, hashes.SHA256())
    )
    file = folder / "server.pem"
    file.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(file)
    listening = socket.create_server(("127.0.0.1", 0))
    listening.settimeout(0.1)
    stop = threading.Event()

    def serve() -> None:
        while not stop.is_set():
            try:
                taken, _ = listening.accept()
            except TimeoutError:
                continue
            try:
                context.wrap_socket(taken, server_side=True).close()
            except OSError:
                taken.close()
        listening.close()

    threading.Thread(target=serve, daemon=True).start()
    return listening.getsockname()[1], stop


def test_a_page_is_read_whole_or_not_at_all() -> None:
    with receiver((200, {}, b"The text.")) as server:
        assert fetch_digest(server.url) == hashlib.sha256(b"The text.").hexdigest()
    for answer in (404, (302, {"Location": "http://127.0.0.1:1/"}, b"")):
        with receiver(answer) as server, pytest.raises(NoReplyError):
            fetch_digest(server.url)
