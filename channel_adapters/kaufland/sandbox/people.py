"""Buyers with ordinary and awkward addresses. Nobody lives there."""

from __future__ import annotations

from typing import Any


def _person(name: str, street: str, place: str, **more: Any) -> dict[str, Any]:
    """``name``: first|last; ``street``: street|number; ``place``: postcode|city|country."""
    first, last = name.split("|")
    road, number = street.split("|")
    postcode, city, country = place.split("|")
    person = {"first_name": first, "last_name": last, "street": road, "house_number": number, "postcode": postcode}
    empty = {"company_name": None, "additional_field": None, "phone": None}
    return person | empty | {"city": city, "country": country} | more


PEOPLE: tuple[dict[str, Any], ...] = (
    _person("Billie|Jansen", "Dorfstraße|1 b", "12345|Musterstadt|DE"),
    _person("Jürgen|Müller-Lüdenscheidt", "An der alten Bahn|112", "01067|Dresden|DE", phone="+49 351 0000"),
    _person("Ayşe|Øster", "Königsallee|7", "40212|Düsseldorf|DE", additional_field="2. OG, Klingel kaputt 🔔"),
    _person("Nora|El Amrani", "Musterallee|99", "1010|Wien|AT", company_name="Beispiel GmbH"),
    _person("Žofie|Nováková", "Náměstí Míru|12/3", "120 00|Praha|CZ"),
    _person("X|Bartholomäus-von-der-Tannenwaldhöhe-zu-Hohenlohe", "Straße des 17. Juni|1", "10623|Berlin|DE"),
)
