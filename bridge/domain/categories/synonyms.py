"""English words of trade that shops and marketplaces use for the same thing, British and American ones among them."""

from __future__ import annotations

from collections.abc import Mapping

from bridge.domain.categories.text import stem, stems

# Each line: words that may stand for each other.
SAME = """
apparel clothing clothes garment
auto car automotive vehicle
backpack rucksack
barbecue grill bbq
bicycle bike cycle
biscuit cookie
boot wellington
cellphone phone smartphone
child kid
colour color
cosmetic makeup
couch sofa
crib cot
curtain drape
diaper nappy
earphone headphone
eyeglass spectacle eyewear
flashlight torch
footwear shoe
fragrance perfume cologne
fridge refrigerator
garbage trash rubbish waste
hob cooktop
jewellery jewelry
jumper sweater pullover
lamp luminaire
lavatory toilet
lorry truck
luggage suitcase
motorbike motorcycle
mower lawnmower
necktie tie
pants trouser
pram pushchair stroller
pyjama sleepwear nightwear pajama
racket racquet
sneaker shoe
spanner wrench
sweatshirt hoodie
tv television
tyre tire
undergarment underpant underwear knicker panty
vacuum hoover
waistcoat vest
watercraft boat
woman lady women
"""

# What a synonym counts for, next to the word itself.
STRENGTH = 0.85


def _table() -> dict[str, frozenset[str]]:
    table: dict[str, frozenset[str]] = {}
    for line in SAME.split("\n"):
        words = frozenset(stem(word) for word in line.split())
        for word in words:
            table[word] = table.get(word, frozenset()) | words
    return table


TABLE: Mapping[str, frozenset[str]] = _table()


def read_english(name: str) -> tuple[dict[str, float], ...]:
    """Each word of an English name with its synonyms."""
    return tuple(
        {word: 1.0, **dict.fromkeys(sorted(TABLE.get(word, frozenset()) - {word}), STRENGTH)} for word in stems(name)
    )
