"""Writing stock, where the merchant wants that: absolute, compared with what was read, and once only."""

from __future__ import annotations

import uuid
from collections.abc import Sequence

from bridge.ports.errors import AskMerchant, NotFound, RetryLater
from platform_adapters.shopify.catalogue import Catalogue
from platform_adapters.shopify.client import ShopifyClient
from platform_adapters.shopify.mapping import available
from platform_adapters.shopify.reading import gid, table, text
from platform_adapters.shopify.refusals import codes, is_spent, refuse

TRIES = 4
STALE = ("CHANGE_FROM_QUANTITY_STALE", "COMPARE_QUANTITY_STALE")


def set_available(
    client: ShopifyClient, catalogue: Catalogue, variant: str, quantity: int, chosen: Sequence[str]
) -> None:
    """Make the available units at the chosen locations ``quantity`` in all, by changing the first of them. A sale in
    between is seen (changeFromQuantity) and the sum made anew. Raises AskMerchant where the others alone hold more."""
    if not chosen:
        raise AskMerchant("No location is chosen whose stock could be written.", field="locations")
    found = table(table(client.ask("variant_item", 3, id=gid("ProductVariant", variant)).get("productVariant")))
    item = text(table(found.get("inventoryItem")).get("id"))
    if not item:
        raise NotFound(f"The store has no variant {variant}.", field="variant_id")
    for _ in range(TRIES):
        levels = available({"inventoryLevels": {"nodes": catalogue.levels(item)}})
        first, others = chosen[0], sum(levels.get(place, 0) for place in chosen[1:])
        if quantity < others:
            text_ = f"The other locations hold {others} already, so {quantity} cannot be reached by changing one."
            raise AskMerchant(f"{text_} Change the stock in the store.", field="locations")
        row = {"inventoryItemId": item, "locationId": gid("Location", first), "quantity": quantity - others}
        # A location that does not hold the item yet has nothing to compare with.
        row |= {"changeFromQuantity": levels.get(first)}
        body = {"name": "available", "reason": "correction", "quantities": [row]}
        payload = client.tell("stock_set", input=body, key=str(uuid.uuid4()), repeatable=True).get(
            "inventorySetQuantities"
        )
        if codes(payload).isdisjoint(STALE) and not is_spent(payload):
            refuse(payload)
            return
    raise RetryLater("Shopify: the stock kept changing while it was written; trying again soon.")
