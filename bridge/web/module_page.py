"""The act ``page`` of the modules inside stores (docs/store-modules.md): the same pages, as fragments for their admin.

The call has been proved to come from the module. Who the person is and what they may is the module's word: it asks the
platform, and has checked the form's own token. Nothing here is asked of a browser.
"""

from __future__ import annotations

import base64
import binascii
import secrets
from collections.abc import Mapping
from typing import Any

from bridge.flows import admin
from bridge.flows.admin import Named
from bridge.flows.engine import Engine
from bridge.flows.module_calls import ModuleCall
from bridge.ports.errors import AskMerchant
from bridge.web import frames, render, serving
from bridge.web.asked import Form, Upload
from bridge.web.frames import Frame, Person, Queried
from bridge.web.serving import Answer, Asked

SKINS = ("wordpress", "magento", "mageos")
METHODS = ("GET", "POST")
MAX_FILES = 1024 * 1024
MAX_FIELDS = 20_000
LONGEST_PATH = 300
Json = Mapping[str, Any]


def act(engine: Engine, call: ModuleCall) -> Mapping[str, Any]:
    shop = next(shop for shop in admin.shops(engine) if shop.id == call.shop_id)
    return page(engine, shop, call.content())


def page(engine: Engine, shop: Named, content: Json) -> dict[str, Any]:
    """The envelope of the answer. Raises AskMerchant naming the field that makes no sense."""
    frame, asked = _frame(content), _asked(content)
    number = secrets.token_hex(6)
    done = serving.answer(engine, frame, shop, asked, number)
    at_hand = _text(_table(content, "frame"), "style")
    return {**_envelope(done), "style": render.style_text() if at_hand != render.mark(render.STYLE) else None}


def _envelope(done: Answer) -> dict[str, Any]:
    file, target = done.download, done.redirect
    download = file and {"name": file.name, "type": file.type, "base64": base64.b64encode(file.content).decode()}
    redirect = target and {"path": target.path, "query": _query(target.query, target.done)}
    return {
        "status": int(done.status),
        "title": done.title,
        "html": done.html,
        "redirect": redirect,
        "download": download,
    }


def _query(query: Mapping[str, object], done: str) -> dict[str, str]:
    return {name: str(value) for name, value in {**query, "done": done}.items() if value not in (None, "")}


def _frame(content: Json) -> Frame:
    told, user = _table(content, "frame"), _table(content, "user")
    skin, path_name = _text(told, "skin"), _text(told, "path_name")
    if skin not in SKINS:
        raise AskMerchant(f"This skin is not known here; known are: {', '.join(SKINS)}.", field="frame.skin")
    if not path_name:
        raise AskMerchant("Say in which parameter the path stands.", field="frame.path_name")
    fixed = {str(name): str(value) for name, value in _table(told, "fixed").items()}
    token = _table(told, "csrf")
    hidden = {_text(token, "name"): _text(token, "value")} if token else {}
    can = content.get("can")
    if not isinstance(can, list):
        raise AskMerchant("A list of what this person may do.", field="can")
    person = Person.told(_text(user, "name"), _text(user, "id"), [item for item in can if isinstance(item, str)])
    return frames.inside(skin, person, Queried(fixed, path_name), hidden, _text(content, "locale"))


def _asked(content: Json) -> Asked:
    method, path = _text(content, "method"), _text(content, "path").strip("/")
    if method not in METHODS:
        raise AskMerchant("GET or POST.", field="method")
    if len(path) > LONGEST_PATH:
        raise AskMerchant("This path is too long.", field="path")
    query, form = _fields(content, "query"), _fields(content, "form")
    return Asked(method, path, Form(query), Form(form, _files(content)))


def _fields(content: Json, name: str) -> list[tuple[str, str]]:
    """Each value is a text, or a list of them."""
    found = [
        (key, value)
        for key, given in _table(content, name).items()
        for value in (given if isinstance(given, list) else [given])
        if isinstance(value, str)
    ]
    if len(found) > MAX_FIELDS:
        raise AskMerchant(f"At most {MAX_FIELDS} fields.", field=name)
    return found


def _files(content: Json) -> dict[str, Upload]:
    found = {name: _file(name, given) for name, given in _table(content, "files").items()}
    if sum(len(file.content) for file in found.values()) > MAX_FILES:
        raise AskMerchant("The files are larger than 1 MB.", field="files")
    return found


def _file(name: str, given: Any) -> Upload:
    if not isinstance(given, Mapping):
        raise AskMerchant("A file has a name, a type and its content.", field=f"files.{name}")
    try:
        inside = base64.b64decode(_text(given, "base64"), validate=True)
    except (binascii.Error, ValueError):
        raise AskMerchant("This is no base64.", field=f"files.{name}") from None
    return Upload(_text(given, "name"), inside)


def _table(content: Json, name: str) -> Json:
    """PHP writes an empty table as an empty list."""
    found = content.get(name)
    if found in (None, []):
        return {}
    if not isinstance(found, Mapping):
        raise AskMerchant("An object is expected here.", field=name)
    return found


def _text(content: Json, name: str) -> str:
    found = content.get(name)
    if found is None:
        return ""
    if isinstance(found, bool) or not isinstance(found, str | int):
        raise AskMerchant("A text is expected here.", field=name)
    return str(found)
