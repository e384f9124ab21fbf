"""New offers and their texts, as Allegro wants them. Pure.

An offer stands on a product of Allegro's catalogue: one that is there is named, one that is not is described in full.
What is said of the product and what of the offer is decided by each parameter (``options.describesProduct``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bridge.domain.listing import OfferContent
from bridge.domain.money import Money
from bridge.domain.reading import Json, table, tables, text
from bridge.domain.text import clean_html
from bridge.ports.channel import OfferDraft
from bridge.ports.errors import RejectItem
from bridge.ports.manifest import Site
from channel_adapters.allegro.categories import OF_THE_OFFER, condition_parameter, meaning
from channel_adapters.allegro.reading import price
from channel_adapters.allegro.vocabulary import (
    ACTIVE,
    DESCRIPTION_BLOCKS,
    DESCRIPTION_BYTES,
    DESCRIPTION_TAGS,
    HANDLING_TIMES,
    INACTIVE,
    LANGUAGES,
)

LONGEST_SKU = 100
_BREAKS = re.compile(r"</?(?:br|hr|div|table|tr|section|article|blockquote|dl|dt|dd)\b[^>]*>", re.IGNORECASE)
_BLOCK = re.compile(rf"<({'|'.join(DESCRIPTION_BLOCKS)})>.*?</\1>", re.DOTALL)


def new_offer(
    draft: OfferDraft, site: Site, settings: Mapping[str, Any], product: Json, parameters: Sequence[Json]
) -> Json:
    """The body of a create. ``product`` names the catalogue's one, empty where there is none; ``parameters`` are those
    of its category. Raises RejectItem naming the field Allegro would refuse."""
    if len(draft.sku) > LONGEST_SKU:
        raise RejectItem(f"Allegro takes an SKU of at most {LONGEST_SKU} characters.", field="sku")
    content = draft.content
    about_product, about_offer = split(content.attributes, parameters)
    about_offer += condition_parameter(draft.condition, parameters, content.attributes)
    about_product += known_already(draft, parameters)
    element: Json = {"product": product or _described(draft, about_product)} | safety(content, settings)
    body: Json = {
        "productSet": [element],
        "external": {"id": draft.sku},
        "stock": {"available": draft.stock, "unit": "UNIT"},
        "sellingMode": {"format": "BUY_NOW", "price": price(asked(draft.price, site))},
        "publication": {"status": ACTIVE if draft.stock else INACTIVE},
        "language": LANGUAGES[site.language],
    }
    body |= {"parameters": about_offer} if about_offer else {}
    if settings.get("send_content", True):
        body |= texts_of(content)
    return body | terms(draft, settings)


def asked(amount: Money, site: Site) -> Money:
    """A price this marketplace takes. Raises RejectItem."""
    if amount.currency != site.currency:
        words = f"{site.code} sells in {site.currency}, this price is in {amount.currency}."
        raise RejectItem(words, field="currency")
    if amount.quantised().amount <= 0:
        raise RejectItem(f"Allegro takes no price of {amount.text()}.", field="price")
    return amount


def _described(draft: OfferDraft, parameters: list[Json]) -> Json:
    """A product Allegro does not know: it is made together with the offer."""
    content = draft.content
    if not content.category:
        what = f"the GTIN {draft.gtin}" if draft.gtin else "this product, which has no GTIN"
        words = f"Allegro's catalogue does not have {what}; to describe it, map its category to one of Allegro's."
        raise RejectItem(words, field="category")
    product: Json = {"name": content.title, "category": {"id": content.category}, "parameters": parameters}
    return product | ({"images": list(content.images)} if content.images else {})


def texts_of(content: OfferContent) -> Json:
    """What the buyer reads and sees, as far as the offer has its own."""
    body: Json = {"name": content.title}
    if content.images:
        body["images"] = list(content.images)
    if sections := description(content):
        body["description"] = {"sections": sections}
    return body


def description(content: OfferContent) -> list[Json]:
    """One section of one text. Text outside of a block, and a line of its own, becomes a paragraph."""
    given = content.description
    if content.bullets:
        given += "<ul>" + "".join(f"<li>{bullet}</li>" for bullet in content.bullets) + "</ul>"
    html = blocks(given)
    if not html:
        return []
    if len(html.encode()) > DESCRIPTION_BYTES:
        words = f"Allegro takes a description of at most {DESCRIPTION_BYTES} bytes, this one has {len(html.encode())}."
        raise RejectItem(words, field="description")
    return [{"items": [{"type": "TEXT", "content": html}]}]


def blocks(given: str) -> str:
    """HTML in which everything stands in a block element: Allegro refuses text beside them (seen by others, 422)."""
    marked = _BREAKS.sub("\n", given)
    cleaned, parts, end = clean_html(marked, DESCRIPTION_TAGS), [], 0
    for block in _BLOCK.finditer(cleaned):
        parts += [*_paragraphs(cleaned[end : block.start()]), _tight(block.group(0))]
        end = block.end()
    return "".join(part for part in [*parts, *_paragraphs(cleaned[end:])] if part)


def _paragraphs(loose: str) -> list[str]:
    plain = re.sub(r"</?(?:li|h1|h2|p|ul|ol)>", "\n", loose)
    return [f"<p>{clean_html(line.strip(), ('b',))}</p>" for line in plain.splitlines() if line.strip()]


def _tight(block: str) -> str:
    """A block without line breaks; one that says nothing goes."""
    inner = re.sub(r"\s+", " ", re.sub(r">\s+<", "><", block)).strip()
    return inner if re.sub(r"<[^>]+>", "", inner).strip() else ""


# Parameters


def split(attributes: Mapping[str, str | tuple[str, ...]], parameters: Sequence[Json]) -> tuple[list[Json], list[Json]]:
    """The merchant's attributes as parameters of the product and of the offer. An id the category does not know is the
    offer's to say: Allegro then names it. What the store calls by a name of its own (an option that nobody has mapped)
    is told where the category has a parameter of that name, and is the store's own business elsewhere."""
    known = {text(item.get("id")): item for item in parameters}
    named = {text(item.get("name")).casefold(): text(item.get("id")) for item in parameters}
    product: list[Json] = []
    offer: list[Json] = []
    for given, value in attributes.items():
        name = given if given in known or given.isdigit() else named.get(given.casefold(), "")
        if not name or given in OF_THE_OFFER or not value:
            continue
        definition = known.get(name, {})
        about_product = table(definition, "options").get("describesProduct") is True
        (product if about_product else offer).append(parameter(name, value, definition))
    return product, offer


def parameter(name: str, value: str | tuple[str, ...], definition: Json) -> Json:
    """Dictionary values by their ids, ranges as ``from-to``, measures without the unit Allegro has fixed. A value that
    is not in the dictionary goes as text where the parameter takes such."""
    given = [value] if isinstance(value, str) else list(value)
    if text(definition.get("type")) == "dictionary":
        return _from_dictionary(name, given, definition)
    unit = text(definition.get("unit"))
    plain = [item.removesuffix(unit).strip() if unit else item for item in given]
    if table(definition, "restrictions").get("range") is True:
        return {"id": name, "rangeValue": _range(name, plain[0])}
    return {"id": name, "values": plain}


def _range(name: str, given: str) -> Json:
    """``5-10``; either end may be below zero."""
    found = re.fullmatch(r"\s*(-?[\d.,]+)\s*(?:[-\u2013]\s*(-?[\d.,]+)\s*)?", given)
    if found is None:
        raise RejectItem(f"{given!r} is no range: it is written as from-to.", field=name)
    return {"from": found.group(1), "to": found.group(2) or found.group(1)}


def known_already(draft: OfferDraft, parameters: Sequence[Json]) -> list[Json]:
    """GTIN and brand among the parameters of a new product, unless the merchant has mapped them."""
    found: list[Json] = []
    for item in parameters:
        key, value = text(item.get("id")), {"gtin": draft.gtin, "brand": draft.content.brand}.get(meaning(item))
        if value and not draft.content.attributes.get(key) and _is_taken(value, item):
            found.append(parameter(key, value, item))
    return found


def _is_taken(value: str, definition: Json) -> bool:
    """A brand may be missing from the list: then nothing is said, and Allegro asks for it."""
    try:
        parameter("", value, definition)
    except RejectItem:
        return False
    return True


def _from_dictionary(name: str, given: Sequence[str], definition: Json) -> Json:
    entries = tables(definition, "dictionary")
    by_id = {text(entry.get("id")): text(entry.get("id")) for entry in entries}
    by_label = {text(entry.get("value")).casefold(): text(entry.get("id")) for entry in entries}
    found = [by_id.get(item) or by_label.get(item.casefold()) for item in given]
    options = table(definition, "options")
    if all(found):
        return {"id": name, "valuesIds": list(found)}
    ambiguous = text(options.get("ambiguousValueId"))
    if options.get("customValuesEnabled") is True and ambiguous and len(given) == 1:
        return {"id": name, "valuesIds": [ambiguous], "values": list(given)}
    unknown = next(item for item, key in zip(given, found, strict=True) if not key)
    title = text(definition.get("name")) or name
    raise RejectItem(f"{title}: Allegro has no value {unknown!r} for it.", field=name)


# Terms


def terms(draft: OfferDraft, settings: Mapping[str, Any]) -> Json:
    """Delivery, complaints, address and invoice: from the settings, some of them per product."""
    own = draft.content.attributes
    body: Json = {"delivery": delivery(draft, settings)}
    services = {
        "returnPolicy": text(own.get("return_policy")) or text(settings.get("return_policy")),
        "impliedWarranty": text(own.get("implied_warranty")) or text(settings.get("implied_warranty")),
        "warranty": text(own.get("warranty")) or text(settings.get("warranty")),
    }
    if chosen := {name: {"id": key} for name, key in services.items() if key}:
        body["afterSalesServices"] = chosen
    if invoice := text(settings.get("invoice")):
        body["payments"] = {"invoice": invoice}
    return body | location(settings) | tax(own)


def delivery(draft: OfferDraft, settings: Mapping[str, Any]) -> Json:
    days = draft.handling_days if draft.handling_days is not None else int(settings.get("handling_days") or 0)
    longer = next((word for least, word in sorted(HANDLING_TIMES.items()) if least >= days), None)
    if longer is None:
        field = "handling_days" if draft.handling_days is None else "handling_time"  # the setting, or the product's own
        raise RejectItem(f"Allegro knows no handling time of {days} days; 60 are the most.", field=field)
    rates = text(draft.content.attributes.get("shipping_rates")) or text(settings.get("shipping_rates"))
    return {"handlingTime": longer} | ({"shippingRates": {"id": rates}} if rates else {})


def location(settings: Mapping[str, Any]) -> Json:
    city, postcode = text(settings.get("city")), text(settings.get("postcode"))
    if not city and not postcode:
        return {}
    country, province = text(settings.get("country")) or "PL", text(settings.get("province"))
    if country == "PL" and not province:
        raise RejectItem("Allegro wants the province of a Polish address: choose it in the settings.", field="province")
    place = {"countryCode": country, "city": city, "postCode": postcode, "province": province}
    return {"location": {name: value for name, value in place.items() if value}}


def tax(own: Mapping[str, Any]) -> Json:
    """``tax_rate``: ``PL:23.00`` for each country; ``tax_exemption`` in Allegro's word."""
    given = own.get("tax_rate")
    rates = [given] if isinstance(given, str) else list(given or ())
    if not rates:
        return {}
    pairs = [rate.partition(":") for rate in rates]
    if any(not sign or not value for _, sign, value in pairs):
        raise RejectItem("A tax rate is written as country:rate, e.g. PL:23.00.", field="tax_rate")
    body: Json = {"rates": [{"countryCode": country.strip(), "rate": value.strip()} for country, _, value in pairs]}
    exemption = text(own.get("tax_exemption"))
    return {"taxSettings": body | ({"exemption": exemption} if exemption else {})}


def safety(content: OfferContent, settings: Mapping[str, Any]) -> Json:
    """GPSR: who made it, who answers for it, what has to be heeded. Allegro has the producers in the account."""
    own = content.attributes
    body: Json = {}
    if producer := text(own.get("responsible_producer")) or text(settings.get("responsible_producer")):
        body["responsibleProducer"] = {"type": "ID", "id": producer}
    if person := text(own.get("responsible_person")) or text(settings.get("responsible_person")):
        body["responsiblePerson"] = {"id": person}
    if words := text(own.get("safety_information")) or text(settings.get("safety_text")):
        body["safetyInformation"] = {"type": "TEXT", "description": words[:5000]}
    if text(own.get("before_gpsr")).lower() in ("true", "1", "yes"):
        body["marketedBeforeGPSRObligation"] = True
    return body


def changed(content: OfferContent, parameters: Sequence[Json], there: Sequence[Json]) -> Json:
    """What an edit of the texts sends. The product stays as it is: named again, it would bring its own texts back
    (allegro-api issue 11982). A list of parameters replaces the one that was there, so what is not said anew (the
    condition above all) goes along as it is ``there``."""
    _, about_offer = split(content.attributes, parameters)
    if not about_offer:
        return texts_of(content)
    known, said = {text(item.get("id")): item for item in parameters}, {item["id"] for item in about_offer}
    kept = [_as_it_is(item, known.get(text(item.get("id")), {})) for item in there if text(item.get("id")) not in said]
    return texts_of(content) | {"parameters": kept + about_offer}


def _as_it_is(told: Json, definition: Json) -> Json:
    """A parameter as an offer tells it: the texts beside ids are labels, but for a value that is not in the list."""
    ids, ambiguous = told.get("valuesIds"), text(table(definition, "options").get("ambiguousValueId"))
    names = ("rangeValue", "valuesIds") + (() if ids and ambiguous not in ids else ("values",))
    return {"id": told["id"]} | {name: told[name] for name in names if told.get(name)}


def product_of(found: Sequence[Json], content: OfferContent, gtin: str) -> Json:
    """The catalogue's product for a GTIN: the only one, or the only one of the mapped category. Raises RejectItem."""
    if wanted := text(content.attributes.get("product_id")):
        return {"id": wanted}
    if len(found) > 1 and content.category:
        fitting = [item for item in found if content.category in _categories(item)]
        found = fitting if len(fitting) == 1 else found
    if len(found) > 1:
        names = ", ".join(f"{text(item.get('id'))} ({text(item.get('name'))})" for item in found[:5])
        words = f"Allegro has several products with the GTIN {gtin}: {names}. Name one in the attribute product_id."
        raise RejectItem(words, field="product_id")
    return {"id": text(found[0].get("id"))} if found else {}


def _categories(product: Json) -> set[str]:
    category = table(product, "category")
    return {text(category.get("id")), *(text(item.get("id")) for item in tables(category, "similar"))}


def category_of(found: Sequence[Json], product: Json) -> str:
    """The category of the product chosen, "" where that is not told."""
    mine = next((item for item in found if text(item.get("id")) == product.get("id")), {})
    return text(table(mine, "category").get("id"))


def problems(body: Json) -> list[str]:
    """What Allegro's validation says of an offer it has taken all the same."""
    found = tables(table(body, "validation"), "errors")
    said = [text(item.get("userMessage")) or text(item.get("message")) for item in found]
    return list(dict.fromkeys(filter(None, said)))
