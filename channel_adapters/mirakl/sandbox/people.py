"""Buyers with ordinary and awkward addresses. Nobody lives there."""

from __future__ import annotations

from typing import Any


def _person(name: str, street: str, place: str, **more: Any) -> dict[str, Any]:
    """``name``: civility|first|last; ``place``: postcode|city|country name|three letters."""
    civility, first, last = name.split("|")
    postcode, city, country, code = place.split("|")
    person = {"civility": civility, "firstname": first, "lastname": last, "street_1": street, "zip_code": postcode}
    return person | {"city": city, "country": country, "country_iso_code": code} | more


PEOPLE: tuple[dict[str, Any], ...] = (
    _person("Mrs|Élodie|Dupont", "12 rue de l'Église", "75011|Paris|France|FRA", street_2="Bât. C", phone="0102030405"),
    _person("Mr|Łukasz|Żółć", "ul. Świętokrzyska 7/3", "00-360|Warszawa|Polska|POL"),
    _person("Mr|José|Ñúñez-d'Ávila", "Calle Mayor, 1", "28013|Madrid|España|ESP", additional_info="3º izq. 🔔"),
    _person("Mrs|Anna|Müller", "Straße des 17. Juni 135", "10623|Berlin|Deutschland|DEU", company="Beispiel GmbH"),
    _person("Mr|Jan|van der Meer", "Dorpsstraat 1", "1111ZZ|Diemen|Nederland|NLD", state="Noord-Holland"),
)
