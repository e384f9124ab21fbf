"""Every text that a person sees on a page, gathered into the catalogues of bridge/web/locale: ``make texts``.

Three sources: what the templates mark with ``_()`` and ``{% trans %}``; titles, labels and helps of the adapters'
manifests; and what Python says. There, whatever reads as a sentence or a phrase is taken (an f-string with names for
its values), but for the places named below that speak to programs, developers or the command line; tables of words
and calls that give titles are taken whole. Nothing has to be marked, so that nothing can be forgotten.
"""

from __future__ import annotations

import ast
import itertools
import re
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.catalog import Catalog
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract
from werkzeug.exceptions import default_exceptions

ROOT = Path(__file__).resolve().parent.parent
LOCALE = ROOT / "bridge/web/locale"
TEMPLATE = LOCALE / "storebridge.pot"
LANGUAGES = ("de", "fr", "nl", "pl")
HEADER = """\
# Complete: no
# The texts of Storebridge's pages. Made by `make texts`; how to translate them stands in docs/languages.md.
#"""

# Files that speak to programs, to developers or on the command line.
SILENT = (
    "*/sandbox/*",
    "*/sandbox.py",
    "*/rehearsal.py",
    "bridge/db/migrations/*",
    "bridge/domain/categories/synonyms.py",
    "bridge/domain/categories/text.py",
    "bridge/domain/measure.py",
    "bridge/domain/names.py",
    "bridge/domain/signed.py",
    "bridge/flows/replay.py",
    "bridge/flows/return_notes.py",
    "bridge/flows/table.py",
    "bridge/ports/adapter.py",
    "bridge/ports/http/call.py",
    "bridge/ports/http/context.py",
    "bridge/ports/http/excerpt.py",
    "bridge/ports/http/exchange.py",
    "bridge/ports/http/inflate.py",
    "bridge/ports/http/network.py",
    "bridge/ports/http/redact.py",
    "bridge/ports/http/response.py",
    "bridge/ports/http/shared.py",
    "bridge/ports/quality.py",
    "bridge/ports/sandbox*.py",
    "bridge/ports/tables.py",
    "bridge/web/api.py",
    "bridge/web/api_routes.py",
    "bridge/web/feeds.py",
    "bridge/web/flat.py",
    "bridge/web/language.py",
    "bridge/web/recognise.py",
    "bridge/web/health.py",
    "bridge/web/hooks.py",
    "bridge/web/module_page.py",
    "bridge/web/modules.py",
    "bridge/web/pushes.py",
    "bridge/web/render.py",
    "channel_adapters/amazon/returns.py",
    "channel_adapters/amazon/cursors.py",
    "channel_adapters/zalando/report.py",
    "platform_adapters/shopify/app_file.py",
)
# Calls and named arguments whose texts nobody sees on a page.
SILENT_CALLS = {
    *("debug", "info", "warning", "exception", "compile", "close_problem", "add_url_rule", "execute", "Gauge"),
    *("TypeError", "LookupError", "KeyError", "RuntimeError", "Superseded", "QualityError", "ManifestError"),
    *("removeprefix", "removesuffix", "startswith", "endswith", "Markup", "strptime", "put_back", "by", "_named"),
    "BadSignature",
    *("NotJson", "BadBody", "WireFault", "deferred", "sub", "findall", "split", "search", "Limit", "Route", "encode"),
    "cast",
}
SILENT_NAMES = {
    *("developer", "source", "mark", "path", "next_cursor", "regex", "read_on", "headers", "sandbox_settings", "query"),
    *("subject", "_CODES", "_BOTH", "near", "detail_key", "CANCELLATION_GRANTED", "CANCELLATION_REFUSED"),
    *("RETURN_REFUSED", "RETURN_KEPT", "RETURN_REPLACED", "REFUND_WORDS", "MESSAGE_COLUMNS", "__slots__", "__all__"),
    *("_STATUS", "_PRICE", "_OFFER", "_SIMPLE", "_ITEMS", "ONLY_VARIANT", "PURPOSE", "SOMEBODY", "_OURS", "HEADERS"),
    *("_HEADERS", "COLUMNS", "STATUS_QUERY", "NO_ROUTE", "REFUSED_WORDS", "TOO_MANY", "KEY_WORDS", "BUSY_WORDS"),
}
# Tables and calls whose texts are all for people, however short.
TABLES = {
    "bridge/web/wording.py": ("*",),
    "bridge/web/places.py": ("SECTIONS",),
    "bridge/web/setup.py": ("TITLES",),
    "bridge/flows/alert_settings.py": ("LABELS",),
    "bridge/flows/alert_texts.py": ("EVENTS", "HEADS"),
    "bridge/flows/polls.py": ("NAMES",),
    "bridge/flows/cancel_reasons.py": ("NAMES",),
    "bridge/flows/wish.py": ("SHELF", "UNTRACKED"),
    "bridge/flows/order_view.py": ("STEPS", "NEVER"),
    "bridge/flows/listing_view.py": ("STATES",),
    "bridge/domain/standing.py": ("TITLES",),
    "bridge/domain/rules/fields.py": ("WRITABLE",),
    "bridge/flows/price_tables/__init__.py": ("_SOURCES",),
}
TITLED = {
    "N_": (0, 1),
    "Page": (2,),
    "Kind": (0,),
    "Field": (1,),
    "Finding": (0,),
    "Trouble": (1, 2),
    **dict.fromkeys(("good", "worrying", "bad"), (0,)),
    "bridge/flows/wish.py:_choice": (1, 2, 3),
    "bridge/flows/wish.py:_number": (1, 2),
}
TITLED_NAMES = {"title", "label", "help", "menu", "description", "labels", "json_schema_extra"}
LETTER = r"[^\W\d_]"
_PROSE = re.compile(rf"(?:{LETTER}{{2,}}|\x00)[^\s]* (?:[^\s]* )*?[^\s]*{LETTER}{{2,}}")
_FIELD = re.compile(r"\{([A-Za-z_]\w*)\}")
# Names of fields (parent_id, itemName), parameters of a header, types, an agent, a list of countries.
_MACHINE = re.compile(
    r"^(?:[a-z]+(?:_[a-z0-9]+)+|[a-z]+(?:[A-Z][a-z]*)+|(?:[A-Z]{2} )+[A-Z]{2}|\w+/[\d.]+ \(.*\))$"
    r"|^[\w/-]+; \w+\*?=|\w\["
)
_CODE = re.compile("[A-Z]{2}( [a-z]{2})?|[a-z]{2}(-[A-Z]{2})?|[A-Z]{3}")  # of a country, a language or a currency
MOST = 8  # variants of one f-string

Text = tuple[str, str, str]  # where, the text, its plural


def texts() -> list[Text]:
    engine = [found for folder in ("flows", "domain", "ports") for found in of_python(f"bridge/{folder}")]
    return [*of_templates(), *of_python("bridge/web"), *of_manifests(), *engine, *of_python("*_adapters")]


# -- templates ---------------------------------------------------------------------------------------------------------


def of_templates() -> Iterator[Text]:
    for file in sorted((ROOT / "bridge/web/templates").rglob("*.html")):
        where = str(file.relative_to(ROOT))
        options = {"newstyle_gettext": "true", "trimmed": "false", "silent": "false"}
        with file.open("rb") as opened:
            for _line, _function, found, _comments in babel_extract(opened, ("_", "gettext", "ngettext"), (), options):
                one, many = found[:2] if isinstance(found, tuple) else (found, "")
                yield where, str(one), str(many or "")
    for code in (400, 401, 403, 404, 405, 408, 409, 413, 415, 422, 429, 500, 503):
        yield "bridge/web/serving.py", default_exceptions[code]().name, ""


# -- manifests ---------------------------------------------------------------------------------------------------------


def of_manifests() -> Iterator[Text]:
    for file in sorted(ROOT.glob("*_adapters/*/manifest.toml")):
        where, content = str(file.relative_to(ROOT)), tomllib.loads(file.read_text(encoding="utf-8"))
        for field in [*content.get("credentials", ()), *content.get("settings", ())]:
            choices = [text for text in field.get("choices", {}).values() if not _CODE.fullmatch(text)]
            for text in (field.get("label"), field.get("help"), *choices):
                if text:
                    yield where, _escaped(text), ""
        terms = content.get("policies", {}).get("returns", {})
        methods = content.get("shipping_methods", {}).get("help")
        payment = content.get("payment_text", {}).get("note")
        reasons = content.get("cancel_reasons", {})
        refunds = content.get("refund_reasons", {}).get("codes", {})
        words = (*reasons.get("codes", {}).values(), reasons.get("costs"), *refunds.values())
        returns = (*terms.get("longer", ()), terms.get("penalty"))
        without = [text for name in ("lacks", "cannot", "cannot_alone") for text in content.get(name, {}).values()]
        for text in (*without, *returns, methods, payment, *words):
            if text:
                yield where, _escaped(text), ""


# -- Python ------------------------------------------------------------------------------------------------------------


def of_python(folder: str) -> Iterator[Text]:
    for file in sorted(path for root in ROOT.glob(folder) for path in root.rglob("*.py")):
        where = str(file.relative_to(ROOT))
        if not any(Path(where).match(pattern) for pattern in SILENT):
            yield from _Reader(where).read(ast.parse(file.read_text(encoding="utf-8")))


class _Reader:
    """The texts of one file. ``whole``: what stands here is for people, however short."""

    def __init__(self, where: str) -> None:
        self._where = where
        self._tables = TABLES.get(where, ())

    def read(self, node: ast.AST, whole: bool = False) -> Iterator[Text]:
        if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
            return  # a docstring
        if isinstance(node, (ast.Constant, ast.JoinedStr, ast.BinOp)) and (made := _variants(node)):
            yield from self._text(made, node, whole)
            return
        for kind, read in _READ.items():
            if isinstance(node, kind):
                yield from read(self, node, whole)
                return
        for child in ast.iter_child_nodes(node):
            yield from self.read(child, whole)

    def none(self, _node: ast.AST, _whole: bool) -> Iterator[Text]:
        """What is compared or looked up is a name, and no text."""
        yield from ()

    def named(self, node: ast.keyword, whole: bool) -> Iterator[Text]:
        if node.arg not in SILENT_NAMES:
            yield from self.read(node.value, whole or node.arg in TITLED_NAMES)

    def assigned(self, node: ast.Assign | ast.AnnAssign, _whole: bool) -> Iterator[Text]:
        target = ast.unparse(node.targets[0] if isinstance(node, ast.Assign) else node.target)
        if target not in SILENT_NAMES and node.value is not None:
            yield from self.read(node.value, target in self._tables or "*" in self._tables)

    def table(self, node: ast.Dict, whole: bool) -> Iterator[Text]:
        for value in node.values:
            yield from self.read(value, whole)

    def call(self, node: ast.Call, whole: bool) -> Iterator[Text]:
        name = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
        if name in SILENT_CALLS or (name == "error" and ast.unparse(node.func).startswith("log.")):
            return
        yield from self.read(node.func)
        titled = TITLED.get(name) or TITLED.get(f"{self._where}:{name}", ())
        for number, argument in enumerate(node.args):
            yield from self.read(argument, whole or number in titled)
        for keyword in node.keywords:
            yield from self.read(keyword, whole)

    def _text(self, made: Sequence[str], node: ast.AST, whole: bool) -> Iterator[Text]:
        said = [text for text in made if _is_text(text, whole)]
        if len(said) == 2 and len(made) == 2 and _counts(node):
            one, many = sorted(said, key=len)
            yield self._where, one, many
        else:
            for text in said:
                yield self._where, text, ""
        if isinstance(node, ast.JoinedStr):  # words inside of what is put in
            for part in node.values:
                if isinstance(part, ast.FormattedValue):
                    yield from self.read(part.value)


_READ: dict[type[ast.AST], Any] = {
    ast.Call: _Reader.call,
    ast.keyword: _Reader.named,
    ast.Assign: _Reader.assigned,
    ast.AnnAssign: _Reader.assigned,
    ast.Dict: _Reader.table,
    ast.Compare: _Reader.none,
    ast.Subscript: _Reader.none,
}


def _is_text(text: str, whole: bool) -> bool:
    if _MACHINE.search(text):
        return False
    rest = re.sub(r"%\(\w+\)s", "\0", text)
    if (
        "\n" in text
        or not re.search(rf"{LETTER}{{2,}}", rest)
        or re.search(r"\w_\w|://\S*\0|::|[<>=]\{|->|\{ |charset|frame-ancestors|^\"|\[\[|subject\\.", rest)
    ):
        return bool(whole and re.search(LETTER, rest) and "\n" not in text)
    return whole or bool(_PROSE.search(rest))


def _counts(node: ast.AST) -> bool:
    """Whether it has two forms because of a number."""
    tests = [item.test for item in ast.walk(node) if isinstance(item, ast.IfExp)]
    tests += [item.right for item in ast.walk(node) if isinstance(item, ast.BinOp) and isinstance(item.op, ast.Mult)]
    numbers = [one for test in tests for one in ast.walk(test) if isinstance(one, ast.Constant)]
    return bool(tests) and any(one.value == 1 for one in numbers if not isinstance(one.value, bool))


def _variants(node: ast.expr) -> list[str]:
    """What an expression can say, with names for its values; empty where it is no text of ours."""
    names: dict[str, str] = {}
    return list(dict.fromkeys(itertools.islice(_made(node, names), MOST)))


def _made(node: ast.expr, names: dict[str, str]) -> list[str]:
    if isinstance(node, ast.Constant):
        return [_of_format(node.value)] if isinstance(node.value, str) and node.value else []
    if isinstance(node, ast.JoinedStr):
        parts = [_part(part, names) for part in node.values]
        return ["".join(choice) for choice in itertools.islice(itertools.product(*parts), MOST)]
    if isinstance(node, ast.BinOp) and isinstance(node.op, ast.Add):
        left, right = _made(node.left, names), _made(node.right, names)
        return [a + b for a in left for b in right] if left and right else []
    return []


def _part(part: ast.expr, names: dict[str, str]) -> list[str]:
    if isinstance(part, ast.Constant):
        return [_escaped(str(part.value))]
    value = part.value if isinstance(part, ast.FormattedValue) else part
    if isinstance(value, ast.IfExp):
        both = [_said(one) for one in (value.body, value.orelse)]
        if all(one is not None for one in both):
            return [str(one) for one in both]
    if isinstance(value, ast.BinOp) and isinstance(value.op, ast.Mult) and _said(value.left):
        return [str(_said(value.left)), ""]
    return [f"%({_name(value, names)})s"]


def _said(node: ast.expr) -> str | None:
    return _escaped(node.value) if isinstance(node, ast.Constant) and isinstance(node.value, str) else None


def _name(node: ast.expr, names: dict[str, str]) -> str:
    """``row.title`` is called title, ``len(found)`` found; the second of a name gets a number."""
    key = ast.unparse(node)
    words = [word for word in re.findall(r"[A-Za-z_]\w*", re.sub(r"'[^']*'|\"[^\"]*\"", "", key)) if len(word) > 1]
    plain = [word.strip("_") for word in words if word not in ("join", "isoformat", "str", "astimezone", "sorted")]
    base = (plain[-1] if plain else "value").lower()
    if key not in names:
        taken = set(names.values())
        names[key] = next(
            one for one in itertools.chain([base], (f"{base}{n}" for n in range(2, 99))) if one not in taken
        )
        return names[key]
    again = f"{names[key]}_again"
    names[f"{key} again"] = again
    return again


def _of_format(text: str) -> str:
    """A text for ``format``: its names in braces become values."""
    return _FIELD.sub(r"%(\1)s", _escaped(text))


def _escaped(text: str) -> str:
    return text.replace("%", "%%")


# -- catalogues --------------------------------------------------------------------------------------------------------


def template() -> Catalog:
    catalogue = _catalogue(None)
    for where, one, many in texts():
        _add(catalogue, one, many, where)
    return catalogue


def _add(catalogue: Catalog, one: str, many: str, where: str) -> None:
    """The same text in several places is one entry; where one of them has two forms, it has."""
    known = catalogue.get(one)
    places = [*(known.locations if known else ()), (where, 0)]
    many = many or (known.id[1] if known is not None and isinstance(known.id, tuple) else "")
    if known is None or (many and not isinstance(known.id, tuple)):
        flags = ("python-format",) if re.search(r"%[(%]", one + many) else ()
        catalogue.delete(one)
        known = catalogue.add((one, many) if many else one, None, flags=flags)
    known.locations = list(dict.fromkeys(places))


def _catalogue(locale: str | None) -> Catalog:
    fixed = datetime(2026, 1, 1, tzinfo=UTC)
    return Catalog(
        locale,
        project="Storebridge",
        version="",
        header_comment=HEADER,
        creation_date=fixed,
        revision_date=fixed,
        last_translator="",
        language_team="",
        fuzzy=False,
    )


def file_of(language: str) -> Path:
    return LOCALE / language / "LC_MESSAGES" / "storebridge.po"


def read(language: str) -> Catalog:
    with file_of(language).open("rb") as opened:
        return read_po(opened, locale=language)


def updated(language: str, fresh: Catalog) -> Catalog:
    """The language's catalogue with the texts of today; translations of texts that are gone go, too."""
    known = read(language) if file_of(language).exists() else Catalog(language)
    catalogue = _catalogue(language)
    if is_complete(known):
        catalogue.header_comment = HEADER.replace("Complete: no", "Complete: yes")
    for item in fresh:
        if not item.id:
            continue
        old = known.get(item.id[0] if isinstance(item.id, tuple) else item.id)
        same = old is not None and old.id == item.id
        catalogue.add(item.id, old.string if same and old else None, item.locations, sorted(item.flags))
        if same and old and old.fuzzy:
            catalogue.get(item.id).flags.add("fuzzy")  # type: ignore[union-attr]
    return catalogue


def written(catalogue: Catalog) -> bytes:
    out = BytesIO()
    write_po(out, catalogue, width=0, include_lineno=False, include_previous=False)
    lines = out.getvalue().decode().splitlines(keepends=True)
    return "".join(
        line
        for line in lines
        if not re.match(r'"(POT-Creation|PO-Revision|Generated-By|Last-Trans|Language-Team|Report-Ms|Project-Id)', line)
    ).encode()


def is_complete(catalogue: Catalog) -> bool | None:
    """What the first line of the file says of itself; None where it says nothing."""
    found = re.match(r"# Complete: (yes|no)\n", catalogue.header_comment)
    return found and found[1] == "yes"


def files(fresh: Catalog) -> Iterable[tuple[Path, bytes]]:
    yield TEMPLATE, written(fresh)
    for language in LANGUAGES:
        yield file_of(language), written(updated(language, fresh))


def main() -> None:
    for path, content in files(template()):
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.exists() or path.read_bytes() != content:
            path.write_bytes(content)
    for language in LANGUAGES:
        catalogue = read(language)
        todo = sum(1 for item in catalogue if item.id and (item.fuzzy or not all(_forms(item.string))))
        sys.stdout.write(f"{language}: {len(catalogue) - todo} of {len(catalogue)} texts\n")


def _forms(text: object) -> tuple[object, ...]:
    return tuple(text) if isinstance(text, (tuple, list)) else (text,)


if __name__ == "__main__":
    main()
