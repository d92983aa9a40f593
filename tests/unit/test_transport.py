"""Outgoing calls: bounded in time and size, and every way to fail told as what it means for a second call."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from hypothesis import given
from hypothesis import strategies as st

from pipeline import clock
from pipeline.errors import Failure, Misconfigured, Outage, Rejected, Throttled, Unsure
from pipeline.transport import (
    DEFAULT_PAUSE,
    LONGEST_PAUSE,
    MAX_ANSWER,
    Answer,
    Client,
    OpenGate,
    json_object,
    pause_until,
    refuse,
)
from sandbox.control import SandboxControl
from sandbox.server import Sandbox

NOW = datetime(2026, 3, 7, 12, 0, tzinfo=UTC)
#: answers one connection, after the request was read
Talk = Callable[[socket.socket], None]
Wrap = Callable[[socket.socket], socket.socket]


@contextmanager
def server(
    talk: Talk, *, wrap: Callable[[socket.socket], socket.socket] | None = None
) -> Iterator[tuple[str, list[bytes]]]:
    """A server that reads each request and then lets `talk` answer it; what it read is kept."""
    listener = socket.create_server(("127.0.0.1", 0))
    listener.settimeout(0.05)
    heard: list[bytes] = []
    ended = threading.Event()
    threads = []

    def serve(connection: socket.socket) -> None:
        connection.settimeout(5)
        try:
            with wrap(connection) if wrap else connection as wrapped:
                request = wrapped.recv(65536)
                heard.append(request)
                if request:
                    talk(wrapped)
        except OSError:
            connection.close()

    def accept() -> None:
        while not ended.is_set():
            try:
                connection, _ = listener.accept()
            except TimeoutError:
                continue
            threads.append(threading.Thread(target=serve, args=(connection,)))
            threads[-1].start()

    accepting = threading.Thread(target=accept)
    accepting.start()
    scheme = "https" if wrap else "http"
    try:
        yield f"{scheme}://127.0.0.1:{listener.getsockname()[1]}", heard
    finally:
        ended.set()
        accepting.join()
        for thread in threads:
            thread.join()
        listener.close()


def client(url: str, *, timeout: float = 5) -> Client:
    return Client(
        system="It", base_url=url, headers={"Authorization": "Bearer ours"}, timeout=timeout, gate=OpenGate()
    )


def says(*pieces: bytes, pause: float = 0, cut: bool = False) -> Talk:
    def talk(connection: socket.socket) -> None:
        for piece in pieces:
            connection.sendall(piece)
            time.sleep(pause)
        if cut:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\x01\x00\x00\x00\x00\x00\x00\x00")

    return talk


def answer(status: str, body: bytes = b"", *headers: str) -> bytes:
    lines = [f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", ""]
    return "\r\n".join(lines).encode() + body


def one_byte_at_a_time(text: bytes) -> Talk:
    return says(*(text[at : at + 1] for at in range(len(text))), pause=0.05)


# what arrives


@pytest.mark.parametrize("status", [200, 201, 204, 207, 400, 401, 404, 409, 422, 499])
def test_any_answer_below_500_is_returned_whole(status: int) -> None:
    body = b"" if status == 204 else b'{"a": 1}'
    text = answer(f"{status} X", body, "Location: http://127.0.0.1:9/elsewhere", "X-More: yes")
    with server(says(text)) as (url, heard):
        found = client(url).call("POST", "a/b", json={"x": 1})
    assert (found.status, found.body, found.headers["X-More"]) == (status, body, "yes")
    assert len(heard) == 1
    assert heard[0].startswith(b"POST /a/b HTTP/1.1\r\n")


@pytest.mark.parametrize("status", [301, 302, 303, 304, 307, 308])
def test_a_redirect_is_not_followed_and_says_nothing_of_what_happened(status: int) -> None:
    with server(says(answer(f"{status} X", b"", "Location: http://127.0.0.1:9/elsewhere"))) as (url, heard):
        with pytest.raises(Unsure, match="redirect"):
            client(url).call("POST", "a/b", json={"x": 1})
        with pytest.raises(Outage, match="redirect"):
            client(url).read("a/b")
    assert len(heard) == 2


def test_numbers_with_a_point_are_exact_and_not_a_number_is_refused() -> None:
    from decimal import Decimal

    assert Answer(status=200, headers={}, body=b'{"a": 79.995}').json() == {"a": Decimal("79.995")}
    for text in (b"NaN", b"[Infinity]", b'{"a": -Infinity}'):
        with pytest.raises(ValueError, match="no JSON"):
            Answer(status=200, headers={}, body=text).json()


def test_a_netrc_of_the_machine_does_not_replace_our_authorization(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "netrc"
    file.write_text("machine 127.0.0.1 login somebody password else\ndefault login a password b\n")
    file.chmod(0o600)
    monkeypatch.setenv("NETRC", str(file))
    with server(says(answer("200 OK"))) as (url, heard):
        client(url).call("GET", "x")
    assert b"Authorization: Bearer ours\r\n" in heard[0]


def test_nothing_is_sent_a_second_time_by_itself() -> None:
    with server(says(cut=True)) as (url, heard), pytest.raises(Unsure):
        client(url).call("POST", "x", json={})
    assert len(heard) == 1


# what fails before anything was sent: certainly no effect


def test_a_name_that_does_not_resolve_is_an_outage() -> None:
    with pytest.raises(Outage):
        client("http://confer.invalid").call("POST", "x")


def test_a_refused_connection_is_an_outage() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    with pytest.raises(Outage):
        client(f"http://127.0.0.1:{port}").call("POST", "x")


def test_a_connection_that_is_never_made_is_an_outage() -> None:
    """A backlog that is full: the other side never answers the first packet."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        address = listener.getsockname()
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            filler.setblocking(False)
            filler.connect_ex(address)
        began = time.monotonic()
        with pytest.raises(Outage):
            client(f"http://127.0.0.1:{address[1]}", timeout=0.5).call("POST", "x")
        assert time.monotonic() - began < 3
        for filler in fillers:
            filler.close()


def test_a_certificate_that_nobody_vouches_for_is_an_outage(certificate: ssl.SSLContext) -> None:
    with server(says(answer("200 OK")), wrap=wrapping(certificate)) as (url, heard), pytest.raises(Outage):
        client(url).call("POST", "x", json={})
    assert b"POST" not in b"".join(heard)


def test_plain_http_where_tls_is_expected_is_an_outage() -> None:
    with server(says(b"HTTP/1.1 400 Bad Request\r\n\r\n")) as (url, _), pytest.raises(Outage):
        client(url.replace("http:", "https:")).call("POST", "x")


@pytest.mark.parametrize(
    "url", ["http://[broken", "http://a b", "http://%zz", "http://127.0.0.1:99999", "http://" + "a" * 70]
)
def test_an_address_that_is_none_is_told_and_leaves_no_doubt(url: str) -> None:
    with pytest.raises((Misconfigured, Outage)):
        client(url).call("POST", "x")


# what fails after it was sent: it may have happened


@pytest.mark.parametrize(
    "talk",
    [
        says(),
        says(cut=True),
        says(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{"),
        says(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{", cut=True),
        says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nabc"),
        says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nabc"),
        says(b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 3\r\n\r\nabc"),
        says(b"HTTP/1.1 banana\r\n\r\n"),
        says(b"\x00\x01\x02\x03\r\n\r\n"),
        says(b"HTTP/1.1 200 OK\r\n" + b"X: y\r\n" * 500 + b"\r\n"),
        says(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 70_000 + b"\r\n\r\n"),
        says(answer("500 X")),
        says(answer("503 X", b"<html>", "Retry-After: 5")),
        says(answer("599 X")),
    ],
    ids=[
        "closed", "reset", "half a body", "half a body and reset", "half a chunk", "no chunk",
        "no gzip", "no status", "no http", "too many headers", "a header too long", "500", "503", "599",
    ],
)  # fmt: skip
def test_no_whole_answer_is_doubt_for_a_call_and_an_outage_for_a_read(talk: Talk) -> None:
    with server(talk) as (url, _):
        with pytest.raises(Unsure):
            client(url, timeout=2).call("POST", "x", json={})
        with pytest.raises(Outage):
            client(url, timeout=2).read("x")


@pytest.mark.parametrize("kind", ["hang", "drop_after", "drop_before", "status"])
def test_the_sandbox_s_faults_are_doubt(sandbox: Sandbox, control: SandboxControl, kind: str) -> None:
    control.fault("sis", kind)
    with pytest.raises(Unsure):
        client(f"{sandbox.http}/sis", timeout=0.5).call("PUT", "completions/x", data=b"{}")
    with pytest.raises(Outage):
        client(f"{sandbox.http}/sis", timeout=0.5).read("completions/x")
    control.clear_faults()


def test_a_tls_connection_that_breaks_after_the_request_is_doubt(certificate: ssl.SSLContext, trusted: None) -> None:
    """The request was sent over a good connection; what went wrong afterwards says nothing about its effect."""

    def garble(connection: socket.socket) -> None:
        with socket.socket(fileno=socket.dup(connection.fileno())) as below:
            below.sendall(b"\x17\x03\x03\x00\x20" + b"\x00" * 32)
            time.sleep(0.2)

    with server(garble, wrap=wrapping(certificate)) as (url, heard), pytest.raises(Unsure):
        client(url.replace("127.0.0.1", "localhost")).call("POST", "x", json={})
    assert b"POST /x" in heard[0]


def test_a_tls_connection_that_works(certificate: ssl.SSLContext, trusted: None) -> None:
    with server(says(answer("200 OK", b"{}")), wrap=wrapping(certificate)) as (url, _):
        assert client(url.replace("127.0.0.1", "localhost")).call("POST", "x").body == b"{}"


def test_a_tls_handshake_that_never_ends_is_an_outage_at_the_deadline() -> None:
    with server(one_byte_at_a_time(b"\x16\x03\x03\x40\x00" + b"\x02" * 100)) as (url, _):
        began = time.monotonic()
        with pytest.raises(Outage):
            client(url.replace("http:", "https:"), timeout=0.6).call("POST", "x")
        assert time.monotonic() - began < 2


# bounded in time and size


def test_a_name_that_resolves_too_late_is_an_outage_and_nothing_is_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    known = socket.getaddrinfo

    def slowly(*args: Any, **kwargs: Any) -> Any:
        time.sleep(0.8)
        return known(*args, **kwargs)

    with server(says(answer("200 OK"))) as (url, heard):
        monkeypatch.setattr(socket, "getaddrinfo", slowly)
        with pytest.raises(Outage):
            client(url, timeout=0.5).call("POST", "x")
        monkeypatch.undo()
    assert heard in ([], [b""])


@pytest.mark.parametrize(
    "talk",
    [
        one_byte_at_a_time(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"z" * 100 + b"\r\nContent-Length: 2\r\n\r\n{}"),
        one_byte_at_a_time(answer("200 OK", b"z" * 100)),
        says(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", *[b"1\r\nz\r\n"] * 100, pause=0.05),
        says(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n", *[b"z"] * 100, pause=0.05),
        says(b"HTTP/1.1 200 OK\r\n\r\n", *[b"z"] * 100, pause=0.05),
        says(pause=4),
    ],
    ids=["a trickling head", "all trickles", "trickling chunks", "a trickling body", "no length", "silence"],
)  # fmt: skip
def test_an_answer_that_takes_too_long_ends_at_the_deadline(talk: Talk) -> None:
    with server(talk) as (url, _):
        began = time.monotonic()
        with pytest.raises(Unsure):
            client(url, timeout=0.6).call("POST", "x", json={})
        assert time.monotonic() - began < 2


@pytest.mark.parametrize("size", [MAX_ANSWER + 1, MAX_ANSWER * 3])
def test_an_answer_that_is_too_large_is_not_read_to_its_end(size: int) -> None:
    with server(says(answer("200 OK", b" " * size))) as (url, _), pytest.raises(Unsure):
        client(url).call("POST", "x")


def test_a_small_answer_that_unpacks_to_a_huge_one_is_not_unpacked_to_its_end() -> None:
    import gzip

    packed = gzip.compress(b" " * (MAX_ANSWER * 20))
    with server(says(answer("200 OK", packed, "Content-Encoding: gzip"))) as (url, _), pytest.raises(Unsure):
        client(url).call("POST", "x")


# 429


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        ("0", 0), ("1", 1), ("120", 120), (" 7 ", 7), ("999999999", LONGEST_PAUSE.total_seconds()),
        ("9" * 5000, DEFAULT_PAUSE.total_seconds()), ("", 30), ("soon", 30), ("-5", 30), ("1.5", 30), ("\u00b2", 30),
        (format_datetime(NOW + timedelta(seconds=90), usegmt=True), 90),
        (format_datetime(NOW - timedelta(days=1), usegmt=True), 0),
        (format_datetime(NOW + timedelta(days=9), usegmt=True), LONGEST_PAUSE.total_seconds()),
        ("Sat, 07 Mar 2026 12:02:00 -0000", 120), ("Sat, 07 Mar 2026 14:02:00 +0200", 120),
        ("Sat, 99 Mar 2026 12:02:00 GMT", 30),
    ],
)  # fmt: skip
def test_retry_after_in_seconds_or_as_a_date_or_not_at_all(value: str, seconds: float) -> None:
    with clock.frozen(NOW):
        assert (pause_until({"Retry-After": value}) - NOW).total_seconds() == seconds
        assert (pause_until({"retry-after": value}) - NOW).total_seconds() == seconds


def test_a_429_without_retry_after_pauses_for_the_default() -> None:
    with clock.frozen(NOW), server(says(answer("429 Too Many"))) as (url, _), pytest.raises(Throttled) as caught:
        client(url).call("POST", "x")
    assert caught.value.until == NOW + DEFAULT_PAUSE


@given(value=st.text(st.characters(max_codepoint=255), max_size=40))
def test_any_retry_after_is_a_pause_within_bounds(value: str) -> None:
    with clock.frozen(NOW):
        assert NOW <= pause_until({"Retry-After": value}) <= NOW + LONGEST_PAUSE


# reading an answer


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b'{"a":', b"[1]", b"null", b"7", b"\xff", b"[" * 100_000, b'{"a": NaN}']
)
def test_what_is_no_json_object_is_the_failure_that_is_asked_for(body: bytes) -> None:
    found = Answer(status=200, headers={}, body=body)
    for kind in (Unsure, Outage, Rejected):
        with pytest.raises(kind):
            json_object(found, otherwise=kind, system="It")


@pytest.mark.parametrize(
    ("status", "kind"),
    [(401, Misconfigured), (403, Misconfigured), (404, Rejected), (422, Rejected), (302, Rejected)],
)
def test_a_refusal_without_a_better_reading(status: int, kind: type[Failure]) -> None:
    with pytest.raises(kind):
        refuse(Answer(status=status, headers={}, body=b""), system="It")
    for fine in (200, 201, 204):
        refuse(Answer(status=fine, headers={}, body=b""), system="It")


def test_a_failure_says_nothing_of_what_was_sent() -> None:
    with server(says(cut=True)) as (url, _), pytest.raises(Unsure) as caught:
        client(url).call("POST", "learners/ada@learners.example", json={"name": "Ada Lovelace"})
    assert "ada" not in caught.value.detail.lower()


# TLS for tests


@pytest.fixture(scope="module")
def pem(tmp_path_factory: pytest.TempPathFactory) -> Path:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = dt.datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(
            x509.SubjectAlternativeName(
                [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
            ),
            critical=False,
        )
        .sign(key, hashes.SHA256())
    )
    file = tmp_path_factory.mktemp("tls") / "server.pem"
    file.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
        + made.public_bytes(serialization.Encoding.PEM)
    )
    return file


@pytest.fixture
def certificate(pem: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(pem)
    return context


@pytest.fixture
def trusted(pem: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", str(pem))


def wrapping(context: ssl.SSLContext) -> Wrap:
    def wrap(connection: socket.socket) -> Any:
        return context.wrap_socket(connection, server_side=True)

    return wrap
