"""The words of the editors: what a kind of condition, action or source is called, its fields, and their choices."""

from __future__ import annotations

from collections.abc import Mapping

from pydantic import BaseModel

from bridge.domain.rules.fields import Kind


def N_(text: str) -> str:  # noqa: N802 as translators' tools know it
    """Marks a text of ours, which is translated where it is shown."""
    return text


KINDS: Mapping[str, str] = {
    "actions.Exclude": N_("Do not sell it here"),
    "actions.IncludeOnly": N_("Sell nothing but this here"),
    "actions.Hold": N_("Hold it until I have looked"),
    "actions.SetText": N_("Set a text, or add words to it"),
    "actions.ReplaceText": N_("Replace words in a text"),
    "actions.Markup": N_("Raise or lower the price by percent"),
    "actions.Margin": N_("Set the price by its margin"),
    "actions.SetPrice": N_("Set the price"),
    "actions.PriceOf": N_("Take the price from a field of the store"),
    "actions.AddToPrice": N_("Add an amount to the price"),
    "actions.Convert": N_("Convert into another currency"),
    "actions.RoundToEnding": N_("Round the price to an ending such as .99"),
    "actions.RoundToStep": N_("Round the price to a step"),
    "actions.Vat": N_("Put in the VAT of the buyer’s country"),
    "actions.Floor": N_("Never sell below a price"),
    "actions.Ceiling": N_("Never sell above a price"),
    "actions.KeepBack": N_("Keep units back (safety buffer)"),
    "actions.Cap": N_("Show no more than so many units"),
    "actions.HandlingTime": N_("Set the handling time"),
    "actions.TextOf": N_("these words"),
    "actions.ValueOf": N_("what a field says"),
    "buffers.FixedBuffer": N_("so many units"),
    "buffers.PercentBuffer": N_("a share of the stock"),
    "buffers.AdaptiveBuffer": N_("by how fast it sells"),
    "model.FromField": N_("A field of the store"),
    "model.FromOption": N_("What tells variants apart (size, colour)"),
    "model.FromAttribute": N_("An attribute of the product"),
    "model.FromCustom": N_("A custom field or metafield"),
    "model.FromMapped": N_("What another attribute here came to"),
    "model.Constant": N_("Always the same"),
    "model.Nothing": N_("Nothing, whatever the category above says"),
    "model.Template": N_("A text made of several fields"),
    "model.FirstOf": N_("The first that has a value"),
    "model.ValueTable": N_("A table: the store’s word to the marketplace’s"),
    "model.Convert": N_("A measure in another unit"),
    "model.Split": N_("Several values out of one text"),
}

# By kind and field, else by the field alone.
LABELS: Mapping[str, tuple[str, str]] = {
    "reason": (N_("Reason"), N_("Shown wherever somebody asks why.")),
    "target": (N_("Which text"), ""),
    "change": (N_("How"), ""),
    "words": (N_("With"), ""),
    "actions.TextOf.text": (N_("Words"), ""),
    "actions.ValueOf.field": (N_("Field"), ""),
    "actions.PriceOf.field": (N_("Field"), N_("What has nothing in this field keeps its price.")),
    "separator": (N_("What stands between"), N_("A space if nothing else is said.")),
    "find": (N_("Find"), N_("No patterns: exactly these words.")),
    "put": (N_("Put instead"), N_("Empty takes them out.")),
    "actions.Markup.percent": (N_("Percent"), N_("Below 0 lowers the price.")),
    "over": (N_("Of"), ""),
    "actions.Margin.percent": (N_("Margin in percent"), N_("Of the price without VAT; the product needs a cost.")),
    "amount": (N_("Amount"), ""),
    "actions.Convert.currency": (N_("Into"), N_("At the European Central Bank’s rate of the day, or yours.")),
    "ending": (N_("Ending"), N_("0.99, or 9.90 with every 10.")),
    "every": (N_("Every"), ""),
    "step": (N_("Step"), N_("0.05 rounds to five cents.")),
    "direction": (N_("Which way"), ""),
    "country": (N_("Country"), N_("Two letters, such as DE. Empty: the buyer’s.")),
    "buffer": (N_("How much"), ""),
    "units": (N_("Units"), ""),
    "buffers.PercentBuffer.percent": (N_("Percent"), N_("Of what is available, rounded up.")),
    "risk": (N_("Risk of overselling"), N_("0.01 is one in a hundred.")),
    "store_share": (N_("The web shop’s own sales"), N_("As a multiple of all marketplaces together.")),
    "least": (N_("At least"), ""),
    "most": (N_("At most"), ""),
    "buffers.AdaptiveBuffer.otherwise": (N_("Until it was measured"), ""),
    "days": (N_("Working days"), ""),
    "model.FromField.field": (N_("Field"), ""),
    "name": (N_("Name"), ""),
    "attribute": (N_("Attribute"), ""),
    "value": (N_("Value"), ""),
    "model.Template.text": (
        N_("Text"),
        N_("Names in braces: {brand} {title} {option:Size}. What is missing goes together with its separator."),
    ),
    "maximum": (N_("Longest"), N_("Characters; cut at a word.")),
    "sources": (N_("Looked at in this order"), ""),
    "source": (N_("Taken from"), ""),
    "values": (N_("Table"), ""),
    "model.ValueTable.otherwise": (N_("What is not in the table"), ""),
    "default": (N_("Is replaced by"), ""),
    "unit": (N_("Unit"), N_("Such as kg, g, cm, mm, l.")),
    "unit_if_none": (N_("Unit of a bare number"), N_("Where the store gives none.")),
    "digits": (N_("Digits after the point"), ""),
    "show_unit": (N_("Send the unit too"), ""),
}
OPTIONS: Mapping[str, str] = {
    "empty": N_("Enter something here."),
    "currency": N_("Currency"),
    "TextChange.set": N_("is set to"),
    "TextChange.append": N_("gets at its end"),
    "TextChange.prepend": N_("gets in front"),
    "MarkupBase.price": N_("the price"),
    "MarkupBase.cost": N_("the cost"),
    "Direction.up": N_("always up"),
    "Direction.down": N_("always down"),
    "Direction.nearest": N_("to the nearest"),
    "Otherwise.keep": N_("is sent as it is"),
    "Otherwise.default": N_("is replaced"),
    "Otherwise.empty": N_("is left out"),
    "Otherwise.finding": N_("is left out, and reported"),
    "StoreField.title": N_("Title"),
    "StoreField.product_title": N_("Title of the product, without variant"),
    "StoreField.description": N_("Description"),
    "StoreField.description_text": N_("Description as plain text"),
    "StoreField.sku": N_("SKU"),
    "StoreField.gtin": N_("EAN"),
    "StoreField.brand": N_("Brand"),
    "StoreField.vendor": N_("Vendor"),
    "StoreField.price": N_("Price"),
    "StoreField.sale_price": N_("Reduced price"),
    "StoreField.cost": N_("Cost"),
    "StoreField.weight": N_("Weight"),
    "StoreField.length": N_("Length"),
    "StoreField.width": N_("Width"),
    "StoreField.height": N_("Height"),
    "StoreField.tags": N_("Tags"),
    "StoreField.category": N_("Category"),
    "StoreField.product_id": N_("Number of the product"),
    "StoreField.variant_id": N_("Number of the variant"),
    "StoreField.regular_price": N_("Price before a reduction"),
    "StoreField.tax_class": N_("Tax class"),
    "StoreField.category_path": N_("Category with all above it"),
    "StoreField.image": N_("First picture"),
    "StoreField.images": N_("All pictures"),
    "StoreField.link": N_("Address in the store"),
    "StoreField.origin": N_("Country of origin"),
}
MODES: Mapping[str, str] = {
    "all": N_("all of these are so"),
    "any": N_("one of these is so"),
    "none": N_("none of these is so"),
}
_TEXT = (
    ("text:equals", N_("is")),
    ("text:contains", N_("contains")),
    ("text:starts", N_("begins with")),
    ("text:ends", N_("ends with")),
    ("text:matches", N_("looks like (* and ? stand for anything)")),
    ("text:empty", N_("is empty")),
    ("set:in", N_("is one of")),
    ("set:none", N_("is none of")),
)


def _figures(kind: str) -> tuple[tuple[str, str], ...]:
    return (
        (f"{kind}:<", N_("is less than")),
        (f"{kind}:<=", N_("is at most")),
        (f"{kind}:>", N_("is more than")),
        (f"{kind}:>=", N_("is at least")),
        (f"{kind}:=", N_("is exactly")),
        (f"{kind}:between", N_("is between")),
    )


_DATES = (
    ("date:before", N_("is before")),
    ("date:after", N_("is after")),
    ("date:within", N_("is within days of today")),
)
OPERATORS: Mapping[Kind, tuple[tuple[str, str], ...]] = {
    Kind.TEXT: _TEXT,
    Kind.SET: (
        ("set:has any", N_("has one of")),
        ("set:has all", N_("has all of")),
        ("set:none", N_("has none of")),
        ("text:contains", N_("has one that contains")),
        ("text:empty", N_("is empty")),
    ),
    Kind.NUMBER: _figures("number"),
    Kind.MONEY: _figures("money"),
    Kind.DATE: _DATES,
    Kind.ATTRIBUTE: (*_TEXT, *_figures("number"), *_DATES[:2]),
}
WRITTEN: Mapping[str, str] = {
    "title": N_("Title"),
    "description": N_("Description"),
    "brand": N_("Brand"),
    "bullets": N_("Bullet points"),
}
TEXTS: Mapping[str, str] = {
    "@title": N_("Title"),
    "@description": N_("Description"),
    "@brand": N_("Brand"),
}
NEEDS: Mapping[str, tuple[str, str]] = {
    "required": (N_("Required"), "bad"),
    "recommended": (N_("Recommended"), "info"),
    "optional": (N_("Optional"), "plain"),
}
EFFECTS: Mapping[str, tuple[str, str]] = {
    "excluded": (N_("Not sold here any more"), "bad"),
    "included": (N_("Sold here again"), "good"),
    "blocked": (N_("Would be blocked"), "warn"),
    "unblocked": (N_("Can be listed"), "good"),
    "changed": (N_("Changes"), "info"),
}


def label_of(model: type[BaseModel], name: str) -> tuple[str, str]:
    """The label of a field and the note under it."""
    own = f"{model.__module__.rpartition('.')[2]}.{model.__name__}.{name}"
    return LABELS.get(own) or LABELS.get(name) or (name.replace("_", " ").capitalize(), "")
