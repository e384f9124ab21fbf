"""Buyers with ordinary and awkward addresses. Nobody lives there."""

from __future__ import annotations

from typing import Any


def _person(name: str, street: str, place: str, kind: str = "HomeDelivery") -> dict[str, Any]:
    """``place``: postcode|city|country."""
    postcode, city, country = place.split("|")
    address = {"street": street, "postcode": postcode, "city": city, "countryCode": country}
    mail = f"{name.split(' ', maxsplit=1)[0].lower()}@buyers.example"
    return {"name": name, "email": mail, "phone": "+45 00 00 00 00", "address": address, "type": kind}


PEOPLE: tuple[dict[str, Any], ...] = (
    _person("Freja Østergaard", "Nørrebrogade 7, 3. tv.", "2200|København N|DK"),
    _person("Jan van der Meer", "Dorpsstraat 1", "1111 ZZ|Diemen|NL", "ParcelShopDelivery"),
    _person("Łukasz Żółć", "ul. Świętokrzyska 7/3", "00-360|Warszawa|PL"),
    _person("Madonna", "Straße des 17. Juni 135", "10623|Berlin|DE", "CompanyDelivery"),
)
