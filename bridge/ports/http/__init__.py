"""The one way out: every call to a store or a marketplace goes through a Transport.

It reuses connections, keeps to the limits, repeats what is safe to repeat, renews tokens, refuses private
hosts, turns every fault into an error of :mod:`bridge.ports.errors` and leaves a redacted Exchange behind::

    transport = Transport(account="bol:1", limits=manifest.limits, errors=ERRORS, services=services)
    tokens = TokenSource("bol:1", fetch_token, services.tokens)
    with lane("stock"), about(sku="A-1"):
        offer = transport.request("GET", url, operation="offers.get", bearer=tokens).json
"""

from bridge.ports.http.breaker import Breaker, BreakerPolicy
from bridge.ports.http.call import basic_auth
from bridge.ports.http.context import about, before_write, lane, patience
from bridge.ports.http.exchange import Exchange, MemoryRecorder, NoRecorder, Recorder
from bridge.ports.http.guard import Guard, GuardPolicy
from bridge.ports.http.hints import Budget
from bridge.ports.http.limiter import Grant, Limiter
from bridge.ports.http.local_limiter import LocalLimiter
from bridge.ports.http.redact import Redactor
from bridge.ports.http.response import NotJson, Response
from bridge.ports.http.services import HttpServices
from bridge.ports.http.table import TOKEN_ERRORS, ErrorTable, Rule, Said, describe
from bridge.ports.http.token_source import TokenSource
from bridge.ports.http.tokens import MemoryVault, Token, TokenVault
from bridge.ports.http.transport import Transport

__all__ = [
    "TOKEN_ERRORS",
    "Breaker",
    "BreakerPolicy",
    "Budget",
    "ErrorTable",
    "Exchange",
    "Grant",
    "Guard",
    "GuardPolicy",
    "HttpServices",
    "Limiter",
    "LocalLimiter",
    "MemoryRecorder",
    "MemoryVault",
    "NoRecorder",
    "NotJson",
    "Recorder",
    "Redactor",
    "Response",
    "Rule",
    "Said",
    "Token",
    "TokenSource",
    "TokenVault",
    "Transport",
    "about",
    "basic_auth",
    "before_write",
    "describe",
    "lane",
    "patience",
]
