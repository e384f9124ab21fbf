"""Imports, followed until each of their lines is known: one answer serves all items of a file."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from functools import partial

from bridge.domain.reading import Json, table, text, whole
from bridge.domain.values import Value
from bridge.ports.channel import ItemResult, Outcome, SubmissionState, SubmissionStatus
from bridge.ports.errors import NotFound, SlowDown
from channel_adapters.mirakl.client import MiraklClient
from channel_adapters.mirakl.reading import read_csv
from channel_adapters.mirakl.vocabulary import IMPORT_STATES, WAITING

STOCK, PRICE, OFFER, PRODUCT = "stock", "price", "offer", "product"
# A product sent so that an offer can be made of it: when the operator has it, the offer is still to be made.
NEW_PRODUCT = "new"
HAS_PRODUCT = "The marketplace has the product now; its offer is made next."
# Files that are done are remembered: their items are asked for in several goes, the marketplace is asked once.
REMEMBERED = 200
SKU_COLUMNS = ("offer-sku", "shop_sku", "shop-sku", "sku", "offer_sku")
MESSAGE_COLUMNS = ("error-message", "error-messages", "errors", "error-reason", "error reason", "error")
# Of integration_details (P42): products that are not there in the end.
REFUSED_COUNTS = (
    "invalid_products",
    "rejected_products",
    "products_not_accepted_in_time",
    "products_with_wrong_identifiers",
)
ALL_REFUSED = (
    "The marketplace refused it. Why stands in its back office: the report is in a form of the marketplace's own."
)
# How files begin that are no CSV: XML, JSON, and XLSX, which is a zip.
NO_CSV = ("<", "{", "[", "PK\x03\x04")
WARNING_COLUMNS = ("warnings", "warning", "warning-message", "warning-messages")


class Submission(Value):
    """What stands in a submission's name: the imports an item went out with, its SKU and GTIN. ``at`` keeps two
    sendings of the same apart, as Mirakl gives a repeated import the number of the first."""

    imports: tuple[tuple[str, str], ...]
    sku: str
    gtin: str = ""
    at: str = ""

    def name(self) -> str:
        return "|".join(("+".join(":".join(one) for one in self.imports), self.sku, self.gtin, self.at))


def submission(sku: str, imports: Sequence[tuple[str, str]], now: datetime, gtin: str = "") -> str:
    return Submission(imports=tuple(imports), sku=sku, gtin=gtin, at=f"{now.timestamp():.3f}").name()


def read_submission(name: str) -> Submission | None:
    """None for a name that is not ours."""
    head, _, rest = name.partition("|")
    sku, *tail = rest.rsplit("|", 2)
    imports = [tuple(one.split(":")) for one in head.split("+")]
    if len(tail) != 2 or any(len(one) != 2 or not all(one) for one in imports):
        return None
    return Submission(imports=tuple((one[0], one[1]) for one in imports), sku=sku, gtin=tail[0], at=tail[1])


class Report(Value):
    """How an import stands. ``errors`` by SKU (of product files also by GTIN), once it is done; ``complete``: all lines
    in error are among them."""

    state: SubmissionState
    message: str = ""
    errors: Mapping[str, str] = {}
    complete: bool = True

    def of(self, item: Submission) -> tuple[SubmissionState, str]:
        if self.state is not SubmissionState.DONE:
            return self.state, self.message
        if found := self.errors.get(item.sku) or self.errors.get(item.gtin):
            return SubmissionState.FAILED, found
        if not self.complete:
            return SubmissionState.GONE, "The marketplace refused some lines and does not say which."
        return SubmissionState.DONE, ""


class Submissions:
    """Thread-safe."""

    def __init__(self, client: MiraklClient) -> None:
        self._client = client
        self._done: OrderedDict[tuple[str, str], Report] = OrderedDict()
        self._lock = threading.Lock()

    def follow(self, names: Sequence[str]) -> list[SubmissionStatus]:
        known = {name: read_submission(name) for name in names}
        wanted = dict.fromkeys(one for item in known.values() if item is not None for one in item.imports)
        reports = self._reports(list(wanted))
        return [_status(name, known[name], reports) for name in names]

    def _reports(self, wanted: Sequence[tuple[str, str]]) -> dict[tuple[str, str], Report]:
        with self._lock:
            found = {one: self._done[one] for one in wanted if one in self._done}
        missing = [one for one in wanted if one not in found]
        asked = self._ask(missing)
        with self._lock:
            for one, report in asked.items():
                if report.state in (SubmissionState.DONE, SubmissionState.FAILED):
                    self._done[one] = report
            while len(self._done) > REMEMBERED:
                self._done.popitem(last=False)
        return found | asked

    def _ask(self, wanted: Iterable[tuple[str, str]]) -> dict[tuple[str, str], Report]:
        reports: dict[tuple[str, str], Report] = {}
        prices = []
        for kind, key in wanted:
            if kind == PRICE:
                prices.append(key)
            elif kind in (STOCK, OFFER, PRODUCT, NEW_PRODUCT):
                reports[kind, key] = self._patiently(partial(self._one, kind, key))
        if prices:
            reports |= self._prices(prices)
        return reports

    def _patiently(self, look: Callable[[], Report]) -> Report:
        """A question that may not be asked yet leaves the import pending; nothing is known to be wrong."""
        try:
            return look()
        except SlowDown as error:
            return Report(state=SubmissionState.PENDING, message=error.merchant)
        except NotFound as error:
            return Report(state=SubmissionState.GONE, message=error.merchant)

    def _one(self, kind: str, key: str) -> Report:
        client = self._client
        if kind in (PRODUCT, NEW_PRODUCT):
            return self._product(key, client.product_import(key))
        if kind == STOCK:
            return _import(client.stock_import(key), lambda: client.stock_errors(key))
        return _import(client.offer_import(key), lambda: client.offer_errors(key))

    def _prices(self, keys: Sequence[str]) -> dict[tuple[str, str], Report]:
        """All price imports are told in one answer."""
        try:
            answers = {text(raw.get("import_id")): raw for raw in self._client.price_imports(keys)}
        except SlowDown as error:
            return {(PRICE, key): Report(state=SubmissionState.PENDING, message=error.merchant) for key in keys}
        return {(PRICE, key): self._patiently(partial(self._price, key, answers.get(key))) for key in keys}

    def _price(self, key: str, raw: Json | None) -> Report:
        if raw is None:
            return Report(state=SubmissionState.GONE, message="The marketplace no longer knows this import.")
        return _import(raw, lambda: self._client.price_errors(key))

    def _product(self, key: str, raw: Json) -> Report:
        """Refused in the conversion (P47) or by the operator (P44). While the operator has it, nothing is known but
        what the conversion refused."""
        status = text(raw.get("import_status"))
        state = IMPORT_STATES.get(status, SubmissionState.PENDING)
        reports = []
        if raw.get("has_transformation_error_report") is True:
            reports.append(self._client.transformation_errors(key))
        if raw.get("has_error_report") is True:
            reports.append(self._client.product_errors(key))
        errors = {sku: said for report in reports for sku, said in errors_of(report).items()}
        if state is SubmissionState.PENDING and not errors:
            return Report(state=state, message=WAITING.get(status, ""))
        if state is SubmissionState.PENDING:
            return Report(
                state=state, message=f"{WAITING.get(status, '')}; refused so far: {'; '.join(errors.values())}"
            )
        refused, message = _refused(raw), text(raw.get("reason_status")) or f"the marketplace says {status}"
        if refused and not errors and refused >= (whole(raw.get("transform_lines_read")) or 0):
            return Report(state=SubmissionState.FAILED, message=ALL_REFUSED)
        return Report(state=state, message=message, errors=errors, complete=bool(errors) or not refused)


def _refused(raw: Json) -> int:
    """How many products were not taken, in the conversion or by the operator, whose report may be in a form of its own
    ("a file in a format defined by the operator (MCM disabled)", P44)."""
    told = table(raw, "integration_details")
    return sum(whole(count) or 0 for count in (raw.get("transform_lines_in_error"), *map(told.get, REFUSED_COUNTS)))


def _import(raw: Json, report: Callable[[], str]) -> Report:
    """ "COMPLETE" says that the file was read, not that its lines were taken: those that were not are in the report."""
    status = text(raw.get("status"))
    state = IMPORT_STATES.get(status, SubmissionState.PENDING)
    if state is SubmissionState.PENDING:
        return Report(state=state, message=WAITING.get(status, ""))
    if state is SubmissionState.FAILED:
        # The file as a whole was not taken: nothing is wrong with its items, so they are looked at and sent again.
        message = text(raw.get("reason_status")) or "the marketplace could not read the import"
        return Report(state=SubmissionState.GONE, message=message)
    refused = whole(raw.get("lines_in_error")) or 0
    errors = errors_of(report()) if raw.get("has_error_report") is True else {}
    return Report(state=state, errors=errors, complete=bool(errors) or refused == 0)


def errors_of(content: str) -> dict[str, str]:
    """What is wrong, by SKU, of an error report. Its columns are those of the file that was sent, before or after
    two more: the line and the reason. Several lines of a SKU are joined. A product file has the operator's own columns:
    there each cell of a row may be the SKU or the GTIN, and what is only warned of stands beside what is in error."""
    errors: dict[str, str] = {}
    if content.lstrip("\ufeff \n").startswith(NO_CSV):
        return errors
    for row in read_csv(content):
        if _is_warned_of(row):
            continue
        sku = next((row[name] for name in SKU_COLUMNS if row.get(name)), "")
        reason = next((name for name in MESSAGE_COLUMNS if row.get(name)), "")
        message = row.get(reason) or _second(row) or "refused without a reason"
        others = [value for name, value in row.items() if value and name not in (reason, "error-line")]
        for key in [sku] if sku else dict.fromkeys(others):
            errors[key] = "; ".join(filter(None, (errors.get(key), message)))
    return errors


def _is_warned_of(row: Mapping[str, str]) -> bool:
    """And not in error, which has a column of its own."""
    errors = [row[name] for name in MESSAGE_COLUMNS if name in row]
    return bool(errors) and not any(errors) and any(row.get(name) for name in WARNING_COLUMNS)


def _second(row: Mapping[str, str]) -> str:
    """ "The second column contains the error reason" (specification, STO03 and PRI03)."""
    return list(row.values())[1] if len(row) > 1 else ""


def _status(name: str, item: Submission | None, reports: Mapping[tuple[str, str], Report]) -> SubmissionStatus:
    if item is None or any(one not in reports for one in item.imports):
        text_ = "This submission is not known to Mirakl."
        return SubmissionStatus(submission=name, state=SubmissionState.GONE, message=text_)
    found = [reports[one].of(item) for one in item.imports]
    for state in (SubmissionState.FAILED, SubmissionState.GONE, SubmissionState.PENDING):
        if messages := [message for known, message in found if known is state]:
            text_ = "; ".join(filter(None, messages))
            return SubmissionStatus(submission=name, state=state, message=text_, entity_id=None)
    if any(kind == NEW_PRODUCT for kind, _ in item.imports):
        return SubmissionStatus(submission=name, state=SubmissionState.GONE, message=HAS_PRODUCT)
    offers = any(kind == OFFER for kind, _ in item.imports)
    return SubmissionStatus(submission=name, state=SubmissionState.DONE, entity_id=item.sku if offers else None)


def sent(key: str, sku: str, imports: Sequence[tuple[str, str]], now: datetime, gtin: str | None = None) -> ItemResult:
    """An import is a submission to follow, not a success."""
    if any(not number for _, number in imports):
        return ItemResult(key=key, outcome=Outcome.RETRY, message="The marketplace did not name the import.")
    name = submission(sku, imports, now, gtin or "")
    return ItemResult(key=key, outcome=Outcome.SUBMITTED, offer_id=sku, submission=name)
