"""E-mail on its way out: one message to the installation's mail server (RFC 5321, RFC 3207)."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from typing import Literal

from bridge.ports.errors import AskMerchant, RetryLater

TIMEOUT = 15.0


@dataclass(frozen=True)
class MailServer:
    """``receivers`` are told where a shop names nobody; ``password`` is never in an error."""

    host: str
    port: int
    security: Literal["starttls", "tls", "none"] = "starttls"
    user: str = ""
    password: str = field(default="", repr=False)
    sender: str = ""
    receivers: Sequence[str] = ()
    context: Callable[[], ssl.SSLContext] = ssl.create_default_context

    def send(self, message: EmailMessage) -> None:
        """Returns when the server has taken the message for at least one receiver. Raises RetryLater, and
        AskMerchant for what only a person can mend; both are worth trying again."""
        try:
            with self._session() as session:
                session.send_message(message)
        except smtplib.SMTPAuthenticationError as error:
            text = f"The mail server {self.host} refuses the name and password ({error.smtp_code}). Check them."
            raise AskMerchant(text) from None
        except smtplib.SMTPRecipientsRefused as error:
            codes = sorted({code for code, _ in error.recipients.values()})
            text = f"The mail server {self.host} refuses every receiver ({codes}). Check the addresses."
            raise AskMerchant(text) from None
        except ssl.SSLError as error:
            text = f"The mail server {self.host} cannot be spoken to safely ({error.reason or 'TLS'})."
            raise AskMerchant(text) from None
        except (smtplib.SMTPException, OSError) as error:
            raise RetryLater(f"The mail server {self.host} did not take the message ({_told(error)}).") from None

    @contextmanager
    def _session(self) -> Iterator[smtplib.SMTP]:
        if self.security == "tls":
            session: smtplib.SMTP = smtplib.SMTP_SSL(self.host, self.port, timeout=TIMEOUT, context=self.context())
        else:
            session = smtplib.SMTP(self.host, self.port, timeout=TIMEOUT)
        with session:
            if self.security == "starttls":
                session.starttls(context=self.context())
            if self.user:
                session.login(self.user, self.password)
            yield session


def _told(error: Exception) -> str:
    """The kind of fault and its code: what a server says may quote the message."""
    code = getattr(error, "smtp_code", None) or getattr(error, "errno", None)
    return f"{type(error).__name__} {code}" if code else type(error).__name__
