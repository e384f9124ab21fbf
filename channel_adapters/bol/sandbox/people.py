"""Buyers with ordinary and awkward addresses. Nobody lives there."""

from __future__ import annotations

from typing import Any

AWKWARD_NAME = "Bartholomeus-van-den-Bovenkamp-tot-Dalen-op-Zand"


def _person(name: str, street: str, house: str, place: str, **more: Any) -> dict[str, Any]:
    """``name``: salutation, first name | surname; ``place``: postcode, city, country."""
    salutation, first, surname = name.split("|")
    postcode, city, country = place.split("|")
    person = {"salutation": salutation, "firstName": first, "surname": surname, "streetName": street}
    return person | {"houseNumber": house, "zipCode": postcode, "city": city, "countryCode": country} | more


COMPANY = {
    "company": "Voorbeeld Holding B.V.",
    "vatNumber": "NL999999999B99",
    "kvkNumber": "99887766",
    "orderReference": "PO-2041",
    "streetName": "Postbus",
    "houseNumber": "12",
    "zipCode": "1000AA",
}

PEOPLE: tuple[dict[str, Any], ...] = (
    _person("FEMALE|Billie|Jansen", "Dorpstraat", "1", "1111ZZ|Utrecht|NL", houseNumberExtension="B"),
    _person(
        "MALE|Jürgen|van der Meer-d'Hondt",
        "Lange Nieuwstraat",
        "112",
        "2000|Antwerpen|BE",
        houseNumberExtension="III",
        language="nl-BE",
    ),
    _person(
        "UNKNOWN|Ayşe|Øster",
        "Rue de l'Église",
        "7",
        "4000|Liège|BE",
        extraAddressInformation="2e étage, sonnette cassée 🔔",
        language="fr-BE",
    ),
    _person("MALE|Kees|de Wit", "Stationsplein", "24", "3511ED|Utrecht|NL", pickupPointName="Albert Heijn: UTRECHT"),
    _person(
        "FEMALE|Nora|El Amrani",
        "Keizersgracht",
        "999",
        "1017ZZ|Amsterdam|NL",
        company="Voorbeeld B.V.",
        billing=COMPANY,
    ),
    _person(
        f"UNKNOWN|X|{AWKWARD_NAME}",
        "Burgemeester van Walsumstraat achter de Oude Haven",
        "10001",
        "9999XK|'s-Gravenhage|NL",
        deliveryPhoneNumber="0612345678",
    ),
)
