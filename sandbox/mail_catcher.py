"""An SMTP server that keeps every message and can fail at each point of the dialogue."""

from __future__ import annotations

import asyncio
import socket
import threading
import time
from typing import Any

from aiosmtpd.smtp import SMTP, Envelope, Session

from sandbox.calls import Calls
from sandbox.faults import Fault, Faults
from sandbox.mailbox import Mailbox
from sandbox.rates import Rates

_TICK = 0.02
_TEXTS = {
    451: "4.3.0 Temporary failure, try again later",
    450: "4.2.0 Mailbox busy",
    550: "5.1.1 No such mailbox",
    552: "5.2.2 Mailbox full",
    554: "5.7.1 Refused by policy",
}


class Catcher:
    """What the SMTP dialogue does with a recipient and with a message."""

    def __init__(self, mailbox: Mailbox, faults: Faults, rates: Rates, calls: Calls) -> None:
        self._mailbox = mailbox
        self._faults = faults
        self._rates = rates
        self._calls = calls

    async def handle_RCPT(  # noqa: N802 - aiosmtpd finds its hooks by these names
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        """Accept a recipient."""
        del session
        fault = self._faults.take_mail("rcpt", address)
        if fault is not None:
            refusal = await _misbehave(fault, server)
            if refusal is not None:
                call = self._calls.begin("mail", "SMTP", "rcpt")
                call.fault = fault.kind
                call.end(int(refusal[:3]))
                return refusal
        envelope.rcpt_tos.append(address)
        envelope.rcpt_options.extend(options)
        return "250 2.1.5 OK"

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802
        """Accept a message: from here on the responsibility is ours."""
        del session
        call = self._calls.begin("mail", "SMTP", "data")
        status: int | None = None
        try:
            if self._rates["mail"].arrive() is not None:
                reply = "451 4.7.0 Too many messages, slow down"
            else:
                fault = self._faults.take_mail("data", envelope.rcpt_tos[0])
                call.fault = fault.kind if fault else None
                reply = await self._accept(fault, server, envelope)
            status = int(reply[:3])
            return reply
        finally:
            call.end(status)

    async def _accept(self, fault: Fault | None, server: SMTP, envelope: Envelope) -> str:
        stored = False
        if fault is not None:
            if fault.kind == "drop_after" or fault.after:
                self._store(envelope)
                stored = True
            refusal = await _misbehave(fault, server)
            if refusal is not None:
                return refusal
        if not stored:
            self._store(envelope)
        return "250 2.0.0 OK: queued"

    def _store(self, envelope: Envelope) -> None:
        content = envelope.content or b""
        raw = content if isinstance(content, bytes) else content.encode()
        self._mailbox.deliver(envelope.mail_from or "", list(envelope.rcpt_tos), raw)


async def _misbehave(fault: Fault, server: SMTP) -> str | None:
    """The reply that the rule asks for; None where the dialogue just goes on."""
    if fault.kind == "latency":
        await _wait(fault)
        return None
    if fault.kind == "status":
        status = fault.status or 451
        return f"{status} {fault.body or _TEXTS.get(status, 'Refused')}"
    if fault.kind == "throttle":
        return "451 4.7.0 Too many messages, slow down"
    if fault.kind == "hang":
        await _wait(fault)
    if isinstance(server.transport, asyncio.WriteTransport):
        server.transport.abort()
    # the lost connection cancels this dialogue; nothing is answered any more
    await asyncio.sleep(_TICK * 50)
    return "421 4.3.2 Connection dropped"


async def _wait(fault: Fault) -> None:
    end = time.monotonic() + fault.wait_seconds
    while not fault.gone.is_set() and time.monotonic() < end:
        await asyncio.sleep(_TICK)


class SmtpServer:
    """Serves SMTP from a thread of its own."""

    def __init__(self, catcher: Catcher, listener: socket.socket) -> None:
        self._catcher = catcher
        # the replies go out line by line: an accepted connection takes this from its listener, and asyncio sets it
        # only where it has opened that itself
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._listener = listener
        self._loop = asyncio.new_event_loop()
        self._ready = threading.Event()
        self._thread = threading.Thread(target=self._run, name="sandbox-smtp", daemon=True)

    def start(self) -> None:
        """Begin to answer."""
        self._thread.start()
        self._ready.wait()

    def stop(self) -> None:
        """Cut every dialogue and end."""
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        server = self._loop.run_until_complete(
            self._loop.create_server(self._dialogue, sock=self._listener, backlog=1024)
        )
        self._loop.call_soon(self._ready.set)
        self._loop.run_forever()
        server.close()
        self._loop.run_until_complete(self._end())
        self._loop.run_until_complete(server.wait_closed())
        self._loop.close()

    def _dialogue(self) -> Any:
        return SMTP(self._catcher, hostname="sandbox", ident="Confer sandbox", enable_SMTPUTF8=True, loop=self._loop)

    async def _end(self) -> None:
        tasks = [one for one in asyncio.all_tasks() if one is not asyncio.current_task()]
        for one in tasks:
            one.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
