"""Buyers with ordinary and awkward addresses. Nobody lives there."""

from __future__ import annotations

from typing import Any


def _person(name: str, line: str, place: str, **more: Any) -> dict[str, Any]:
    """``place``: postcode, city, country."""
    postcode, city, country = place.split("|")
    body = {"name": name, "addressLine1": line, "postalCode": postcode, "city": city, "countryCode": country}
    return body | {"addressType": "RESIDENTIAL"} | more


PEOPLE: tuple[dict[str, Any], ...] = (
    _person("Billie Müller", "Dorfstraße 1b", "10115|Berlin|DE", phone="+49 30 1234567"),
    _person("Jürgen von der Heide-Østergård", "Musterfirma GmbH", "80331|München|DE", addressLine2="Lange Gasse 112"),
    _person(
        "Ayşe", "7 rue de l'Église", "67000|Strasbourg|FR", addressLine2="2e étage", addressLine3="sonnette cassée 🔔"
    ),
    _person(
        "Nora El Amrani", "Packstation 112", "20095|Hamburg|DE", addressLine2="8612345", addressType="PICKUP_POINT"
    ),
    _person("Wei Li", "Hauptstr. 5", "1010|Wien|AT", companyName="Beispiel & Söhne OG", stateOrRegion="Wien"),
)
