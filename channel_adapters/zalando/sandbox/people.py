"""Buyers: made up, as addresses in orders have them."""

from __future__ import annotations

PEOPLE = (
    {
        "first_name": "Lena",
        "last_name": "Vogt",
        "address_line_1": "Lindenweg 12",
        "address_line_2": "c/o Brandt",
        "zip_code": "10178",
        "city": "Berlin",
        "country_code": "DE",
        "address_type": "HOME_ADDRESS",
    },
    {
        "first_name": "Claire",
        "last_name": "Morel",
        "address_line_1": "8 Rue des Tilleuls",
        "zip_code": "69003",
        "city": "Lyon",
        "country_code": "FR",
        "address_type": "HOME_ADDRESS",
    },
    {
        "first_name": "Jonas",
        "last_name": "Weber",
        "address_line_1": "Packstation 145",
        "zip_code": "04109",
        "city": "Leipzig",
        "country_code": "DE",
        "address_type": "PACK_STATION",
        "service_point_details": {
            "service_point_name": "Packstation 145",
            "service_point_id": "145",
            "service_point_member_id": "123456789",
        },
    },
)
