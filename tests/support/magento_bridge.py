"""The bridge as a store's module meets it, without its database: takes activations, proves stores, verifies and answers."""

from __future__ import annotations

import json
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from flask import Flask, Response, jsonify, request

from bridge.domain import signed
from bridge.ports.storemodule import Activation, Asked, Proof
from platform_adapters.magento.storemodule import MagentoModule
from tests.support.magento import Account, utc_now
from tests.support.serve import serve


class Bridge:
    """``status`` is what signed calls get; ``told`` are the acts and bodies of those that were good."""

    def __init__(self, account: Account) -> None:
        self.url = ""
        self.status = 200
        self.forms: list[dict[str, str]] = []
        self.proofs: list[Proof] = []
        self.told: list[tuple[str, Any]] = []
        self._account = account
        self._module = MagentoModule()
        self._asked: Asked | None = None
        self._activation: Activation | None = None

    def activate(self) -> Response:
        self.forms.append(request.form.to_dict())
        self._activation = self._module.activated(request.form)
        return Response("", 200)

    def connect(self) -> Response:
        body = request.get_json()
        self._asked = Asked.model_validate({name: body[name] for name in Asked.model_fields})
        if self._activation is None or self._activation.name != self._asked.activation:
            return Response("no activation", 403)
        self.proofs.append(self.prove_again())
        return jsonify(shop="s1", connection="c1", title="Shop")

    def prove_again(self) -> Proof:
        assert self._asked is not None
        challenge = secrets.token_hex(16)
        return self._module.prove(self._asked, challenge, self._account.transport, utc_now, self._activation)

    def act(self, act: str) -> Response:
        raw, secret = request.get_data(), self.proofs[-1].secret
        mark = signed.verify(request.headers.get(signed.HEADER), act, raw, [secret], utc_now())
        if self.status != 200:
            return Response("Not now.", self.status)
        body = json.loads(raw)
        self.told.append((act, body))
        taken = max((event["id"] for event in body.get("events", ())), default=0)
        answer = json.dumps({"taken": taken, "ok": True}).encode()
        header = str(signed.sign(secret, signed.answer_act(act), answer, utc_now(), mark.nonce))
        return Response(answer, 200, {signed.HEADER: header}, content_type="application/json")


@contextmanager
def bridge_of(account: Account) -> Iterator[Bridge]:
    bridge, app = Bridge(account), Flask("bridge")
    app.post("/modules/activate/magento")(bridge.activate)
    app.post("/modules/connect")(bridge.connect)
    app.post("/modules/s1/c1/<act>")(bridge.act)
    with serve(app) as url:
        bridge.url = url
        yield bridge
