"""Who gets alerts: a mail server and a web server, both on real sockets, that keep what they are given."""

from __future__ import annotations

import io
import socketserver
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Any

from flask import Flask, Response, request


@dataclass
class MailSink:
    """SMTP in miniature (RFC 5321): EHLO, STARTTLS, AUTH PLAIN, MAIL, RCPT, DATA. ``refuse`` answers the next
    messages with these codes; ``pair`` (certificate and key) offers STARTTLS."""

    port: int = 0
    pair: Path | None = None
    refuse: list[int] = field(default_factory=list)
    messages: list[EmailMessage] = field(default_factory=list)
    receivers: list[str] = field(default_factory=list)
    logins: list[str] = field(default_factory=list)
    secured: int = 0

    def texts(self) -> list[str]:
        return [str(mail.get_content()) for mail in self.messages]


class _Session(socketserver.StreamRequestHandler):
    sink: MailSink

    def handle(self) -> None:
        self._say("220 sink")
        while line := self.rfile.readline().decode().strip():
            word, _, rest = line.partition(" ")
            if word.upper() == "QUIT":
                self._say("221 bye")
                return
            getattr(self, f"_{word.lower()}", self._ok)(rest)

    def _say(self, text: str) -> None:
        self.wfile.write(f"{text}\r\n".encode())

    def _ok(self, _rest: str) -> None:
        self._say("250 ok")

    def _ehlo(self, _rest: str) -> None:
        secure = isinstance(self.connection, ssl.SSLSocket)
        offers = ["STARTTLS"] if self.sink.pair and not secure else ["AUTH PLAIN"]
        self._say("250-sink\r\n250 " + offers[0])

    def _starttls(self, _rest: str) -> None:
        assert self.sink.pair is not None
        self._say("220 go on")
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(self.sink.pair)
        try:
            self.connection = context.wrap_socket(self.connection, server_side=True)
        except ssl.SSLError:  # the other side does not trust us
            self.rfile = io.BytesIO()
            return
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", buffering=0)
        self.sink.secured += 1

    def finish(self) -> None:
        super().finish()
        self.connection.close()

    def _auth(self, rest: str) -> None:
        self.sink.logins.append(rest)
        self._say("235 welcome")

    def _rcpt(self, rest: str) -> None:
        self.sink.receivers.append(rest[4:].strip("<>"))
        self._say("250 ok")

    def _data(self, _rest: str) -> None:
        self._say("354 go on")
        lines = []
        while (line := self.rfile.readline()) != b".\r\n":
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        if self.sink.refuse:
            self._say(f"{self.sink.refuse.pop(0)} not now, buyer@example.org")
            return
        mail = message_from_bytes(b"".join(lines), policy=policy.default)
        assert isinstance(mail, EmailMessage)
        self.sink.messages.append(mail)
        self._say("250 taken")


@contextmanager
def mail_sink(pair: Path | None = None) -> Iterator[MailSink]:
    sink = MailSink(pair=pair)
    handler = type("Session", (_Session,), {"sink": sink})
    with socketserver.ThreadingTCPServer(("127.0.0.1", 0), handler) as server:
        server.daemon_threads = True
        sink.port = server.server_address[1]
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield sink
        finally:
            server.shutdown()
            thread.join()


@dataclass
class HookSink:
    """Keeps each call's headers and exact body; ``refuse`` answers the next calls with these statuses."""

    calls: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    refuse: list[int] = field(default_factory=list)
    headers: dict[str, str] = field(default_factory=dict)

    def app(self) -> Flask:
        app = Flask("hooks")

        @app.post("/alerts")
        def alerts() -> Any:
            self.calls.append((dict(request.headers), request.get_data()))
            status = self.refuse.pop(0) if self.refuse else 204
            return Response(status=status, headers=self.headers if status >= 300 else {})

        return app
