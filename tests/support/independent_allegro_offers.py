"""The half of Allegro that offers: what is on sale and the commands that change it (see independent_allegro.py)."""

from __future__ import annotations

import itertools
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from flask import Response, request

from tests.support.independent import Json, Operation, Refusal
from tests.support.independent_allegro_catalogue import Catalogue, labelled


def zloty(amount: Any, currency: str = "PLN") -> Json:
    return {"amount": str(amount), "currency": currency}


@dataclass
class Offers(Catalogue):
    """``pending``: how often a command is asked for before its tasks are done; ``fails``: offers whose tasks fail;
    ``later``: new offers are answered with 202; ``ends``: what such an operation is refused with in the end; ``busy``: how
    often a change meets an earlier one that is not over; ``between``: called after each page of a list."""

    pending: int = 1
    later: bool = False
    ends: list[str] = field(default_factory=list)
    busy: int = 0
    fails: dict[str, Json] = field(default_factory=dict)
    between: Callable[[], None] | None = None
    offers: dict[str, Json] = field(default_factory=dict)
    operations: dict[str, list[str]] = field(default_factory=dict)
    commands: dict[str, Json] = field(default_factory=dict)

    def __post_init__(self) -> None:
        super().__post_init__()
        self._ids = itertools.count(17_000_000_001)

    def _cut(self, items: list[Json], usual: int) -> list[Json]:
        offset, limit = int(request.args.get("offset", 0)), int(request.args.get("limit", usual))
        if self.between:
            self.between()
        return items[offset : offset + limit]

    def _get_sale_products(self, operation: Operation) -> Response:
        found = self.catalogue.get(request.args.get("phrase", ""))
        return self.json(operation, 200, {"products": [found] if found else []})

    def _create_product_offers(self, operation: Operation) -> Response:
        given, offer_id = request.get_json(), str(next(self._ids))
        if faults := self.wrong(given):
            raise Refusal(422, "ConstraintViolationException.Offer", faults)
        stock = given.get("stock", {}).get("available", 0)
        status = given.get("publication", {}).get("status", "INACTIVE")
        made = {
            "id": offer_id, "name": given.get("name", "A thing of a name"), "stock": {"available": stock, "unit": "UNIT"},
            "sellingMode": given["sellingMode"], "external": given.get("external"),
            "publication": {"status": status if stock else "INACTIVE"}, "at": self.now(),
            "additionalMarketplaces": given.get("additionalMarketplaces") or {}, "given": given,
        }  # fmt: skip
        self.offers[offer_id] = made
        return self._begun(operation, made) if self.later else self.json(operation, 201, self._whole(made))

    def _begun(self, operation: Operation, made: Json) -> Response:
        run, offer_id = str(uuid.uuid4()), made["id"]
        self.operations[run] = [offer_id, *["IN_PROGRESS"] * self.pending]
        answer = self.json(operation, 202, self._whole(made))
        answer.headers["Location"] = f"{request.host_url}sale/product-offers/{offer_id}/operations/{run}"
        answer.headers["Retry-After"] = "1"
        return answer

    def _whole(self, offer: Json) -> Json:
        names = ("id", "name", "stock", "sellingMode", "external")
        told = {name: offer[name] for name in names if offer[name] is not None}
        valid: Json = {"errors": [], "warnings": [], "validatedAt": self.moment(self.now())}
        if given := offer.get("given"):
            part = (given.get("productSet") or [{}])[0].get("product") or {}
            known = next((one for one in self.catalogue.values() if one["id"] == part.get("id")), part)
            shown = [labelled(one) for one in given.get("parameters") or []]
            told |= {"parameters": shown, "category": known.get("category") or {"id": "1"}}
        return told | {"publication": {"status": offer["publication"]["status"]}, "validation": valid}

    def _get_product_offer_processing_status(self, operation: Operation, offer_id: str, run: str) -> Response:
        if len(self.operations.get(run, [])) > 1:
            self.operations[run].pop()
            told = {"id": run, "status": "IN_PROGRESS", "startedAt": self.moment(self.now())}
            answer = self.json(operation, 202, {"offer": {"id": offer_id}, "operation": told})
            answer.headers["Retry-After"] = "1"
            return answer
        if self.ends:
            raise Refusal(422, "ProductValidationException", self.ends)
        answer = Response(status=303)
        answer.headers["Location"] = f"{request.host_url}sale/product-offers/{offer_id}"
        return answer

    def _offer(self, offer_id: str) -> Json:
        if (found := self.offers.get(offer_id)) is None:
            raise Refusal(404, "OfferNotFound")
        return found

    def _get_product_offer(self, operation: Operation, offer_id: str) -> Response:
        return self.json(operation, 200, self._whole(self._offer(offer_id)))

    def _get_partial_product_offer(self, operation: Operation, offer_id: str) -> Response:
        offer, wanted = self._offer(offer_id), request.args.getlist("include")
        told: Json = {"id": offer_id}
        if "stock" in wanted:
            told["stock"] = {"available": offer["stock"]["available"]}
        if "price" in wanted:
            told["sellingMode"] = {"price": offer["sellingMode"]["price"]}
        return self.json(operation, 200, told)

    def _edit_product_offers(self, operation: Operation, offer_id: str) -> Response:
        """All of the offer is looked at again, whatever of it is changed."""
        offer, given = self._offer(offer_id), request.get_json()
        if self.busy > 0:
            self.busy -= 1
            words = "Cannot modify the offer, the previous edition is still being processed"
            raise Refusal(409, "OfferConflictException", [words])
        if faults := self.wrong(offer.get("given", {}) | given):
            raise Refusal(422, "ConstraintViolationException.Offer", faults)
        offer["given"] = offer.get("given", {}) | given
        for name in ("stock", "sellingMode", "publication"):
            offer[name] = offer[name] | (given.get(name) or {})
        offer["name"] = given.get("name", offer["name"])
        offer["additionalMarketplaces"] = offer["additionalMarketplaces"] | (given.get("additionalMarketplaces") or {})
        self._settle(offer)
        return self._begun(operation, offer) if self.later else self.json(operation, 200, self._whole(offer))

    def _settle(self, offer: Json) -> None:
        if offer["stock"]["available"] == 0 and offer["publication"]["status"] == "ACTIVE":
            offer["publication"] = offer["publication"] | {"status": "ENDED"}

    def _search_offers_using_get(self, operation: Operation) -> Response:
        found, wanted = sorted(self.offers.values(), key=lambda item: item["at"], reverse=True), request.args
        if skus := wanted.getlist("external.id"):
            found = [offer for offer in found if (offer["external"] or {}).get("id") in skus]
        if states := wanted.getlist("publication.status"):
            found = [offer for offer in found if offer["publication"]["status"] in states]
        if ids := wanted.getlist("offer.id"):
            found = [offer for offer in found if offer["id"] in ids]
        page = self._cut(found, 20)
        told = [self._row(offer) for offer in page]
        return self.json(operation, 200, {"offers": told, "count": len(told), "totalCount": len(found)})

    def _row(self, offer: Json) -> Json:
        base: Json = {"base": {"id": "allegro-pl"}, "additional": []}
        told: Json = {
            "id": offer["id"], "name": offer["name"], "stats": None,
            "sellingMode": {"format": "BUY_NOW", "price": offer["sellingMode"]["price"]},
            "stock": {"available": offer["stock"]["available"], "sold": 0},
            "publication": {"status": offer["publication"]["status"], "marketplaces": base},
        }  # fmt: skip
        more = {
            place: {"publication": {"state": "APPROVED"}, "sellingMode": {"price": item["sellingMode"]["price"]}}
            for place, item in offer["additionalMarketplaces"].items()
        }
        return told | {"additionalMarketplaces": more} | ({"external": offer["external"]} if offer["external"] else {})

    # Commands

    def _begin(self, operation: Operation, command: str, tasks: list[Json]) -> Response:
        if command in self.commands:
            raise Refusal(409, "CommandIdAlreadyUsed")
        self.commands[command] = {"tasks": tasks, "left": self.pending, "at": self.now()}
        return self._report(operation, 201, command)

    def _report(self, operation: Operation, status: int, command: str) -> Response:
        if (told := self.commands.get(command)) is None:
            raise Refusal(404, "CommandNotFound")
        done = [task["status"] for task in told["tasks"]] if told["left"] <= 0 else []
        counts = {"failed": done.count("FAIL"), "success": done.count("SUCCESS"), "total": len(told["tasks"])}
        ended = self.moment(self.now()) if told["left"] <= 0 else None
        told["left"] -= 1
        report = {"id": command, "createdAt": self.moment(told["at"]), "completedAt": ended, "taskCount": counts}
        return self.json(operation, status, report)

    def _tasks(self, operation: Operation, command: str) -> Response:
        """Those of a command, the last first."""
        if (told := self.commands.get(command)) is None:
            raise Refusal(404, "CommandNotFound")
        page = self._cut([*reversed(told["tasks"])], 100)
        if told["left"] > 0:
            page = [task | {"status": "NEW", "errors": []} for task in page]
        return self.json(operation, 200, {"tasks": page})

    def _batch_offer_modification_using_post(self, operation: Operation) -> Response:
        given = request.get_json()
        tasks = [task for part in given["modifications"] for task in self._modify(part)]
        return self._begin(operation, given["commandId"], tasks)

    def _modify(self, part: Json) -> list[Json]:
        offer, tasks = self.offers.get(part["offerId"]), []
        stock = part.get("stock")
        if stock:
            bad = (
                None if offer and stock["value"] > 0 else "Stock must be greater than 0" if offer else "Offer not found"
            )
            tasks.append(self._task(part["offerId"], "stock", bad))
            if offer and tasks[-1]["status"] == "SUCCESS":
                offer["stock"] = offer["stock"] | {"available": stock["value"]}
        for place, price in part.get("prices", {}).items():
            tasks.append(self._task(part["offerId"], f"prices.{place}", None if offer else "Offer not found"))
            if offer and tasks[-1]["status"] == "SUCCESS":
                selling = offer["sellingMode"] if place == "allegro-pl" else offer["additionalMarketplaces"][place]
                (selling if place == "allegro-pl" else selling["sellingMode"])["price"] = price["value"]
        return tasks

    def _task(self, offer: str, name: str, bad: str | None) -> Json:
        said = self.fails.get(offer)
        errors = [said] if said else [{"code": "INVALID", "message": bad, "userMessage": bad}] if bad else []
        task: Json = {"subject": {"offerId": offer, "field": name}, "status": "FAIL" if errors else "SUCCESS"}
        return task | {"message": errors[0]["message"] if errors else "", "errors": errors}

    def _batch_offer_modification_command_status_using_get(self, operation: Operation, command: str) -> Response:
        return self._report(operation, 200, command)

    def _batch_offer_modification_command_task_statuses_using_get(self, operation: Operation, command: str) -> Response:
        return self._tasks(operation, command)

    def _change_publication_status_using_put(self, operation: Operation, command: str) -> Response:
        given, tasks = request.get_json(), []
        for one in (one["id"] for item in given["offerCriteria"] for one in item["offers"]):
            task = self._task(one, "publication", None if one in self.offers else "Offer not found")
            del task["subject"]
            tasks.append(task | {"offer": {"id": one}, "field": "publication"})
            if task["status"] == "SUCCESS":
                to = "ENDED" if given["publication"]["action"] == "END" else "ACTIVE"
                self.offers[one]["publication"] = {"status": to}
                self._settle(self.offers[one])
        return self._begin(operation, command, tasks)

    def _get_publication_report_using_get(self, operation: Operation, command: str) -> Response:
        return self._report(operation, 200, command)

    def _get_publication_tasks_using_get(self, operation: Operation, command: str) -> Response:
        return self._tasks(operation, command)

    def _shared(self, operation: Operation, command: str, name: str, act: Callable[[Json], str | None]) -> Response:
        """What all of its offers get, each with a task of its own."""
        tasks = []
        numbers = [one["id"] for item in request.get_json()["offerCriteria"] for one in item["offers"]]
        if len(numbers) > 1000 or len({*numbers}) < len(numbers):
            raise Refusal(422, "TOO_MANY_OFFERS")
        for one in numbers:
            offer = self.offers.get(one)
            bad = "Offer not found" if offer is None else None if one in self.fails else act(offer)
            task = self._task(one, name, bad)
            del task["subject"]
            tasks.append(task | {"offer": {"id": one}, "field": name})
        return self._begin(operation, command, tasks)

    def _quantity_modification_command_using_put(self, operation: Operation, command: str) -> Response:
        given = request.get_json()["modification"]
        if given["changeType"] == "FIXED" and given["value"] <= 0:
            raise Refusal(422, "VALIDATION_ERROR", ["modification.value|must be greater than 0"])

        def act(offer: Json) -> str | None:
            offer["stock"] = offer["stock"] | {"available": given["value"]}
            return None

        return self._shared(operation, command, "stock.available", act)

    def _price_modification_command_using_put(self, operation: Operation, command: str) -> Response:
        given = request.get_json()["modification"]

        def act(offer: Json) -> str | None:
            place = given.get("marketplaceId", "allegro-pl")
            selling = offer["sellingMode"] if place == "allegro-pl" else offer["additionalMarketplaces"].get(place)
            if selling is None:
                return f"The offer is not on {place}"
            (selling if place == "allegro-pl" else selling["sellingMode"])["price"] = given["price"]
            return None

        return self._shared(operation, command, "sellingMode.price", act)

    def _get_quantity_modification_command_tasks_statuses_using_get(
        self, operation: Operation, command: str
    ) -> Response:
        return self._tasks(operation, command)

    def _get_price_modification_command_tasks_statuses_using_get(self, operation: Operation, command: str) -> Response:
        return self._tasks(operation, command)
