"""Buyers with ordinary and awkward addresses. Nobody lives there."""

from __future__ import annotations

from typing import Any


def _person(name: str, street: str, place: str, **more: Any) -> dict[str, Any]:
    """``place``: postcode|city|country."""
    postcode, city, country = place.split("|")
    address = {"addressLine1": street, "postalCode": postcode, "city": city, "countryCode": country}
    address |= {key: more.pop(key) for key in ("addressLine2", "stateOrProvince") if key in more}
    return {"fullName": name, "contactAddress": address, "primaryPhone": {"phoneNumber": "+49 351 0000"}} | more


PEOPLE: tuple[dict[str, Any], ...] = (
    _person("Billie Jansen", "Dorfstraße 1 b", "12345|Musterstadt|DE", email="a1b2@members.ebay.example"),
    _person("Jürgen Müller-Lüdenscheidt", "An der alten Bahn 112", "01067|Dresden|DE"),
    _person("Ayşe Øster", "Königsallee 7", "40212|Düsseldorf|DE", addressLine2="2. OG, Klingel kaputt 🔔"),
    _person("Nora El Amrani", "Musterallee 99", "1010|Wien|AT", companyName="Beispiel GmbH"),
    _person("Bartholomäus", "Straße des 17. Juni 1", "10623|Berlin|DE"),
)
