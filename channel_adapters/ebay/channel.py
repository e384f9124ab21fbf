"""eBay as a Channel: the account, and the sides of it that the contract asks for."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from bridge.domain.reading import Json, table, text, whole
from bridge.domain.requirement import Category, CategoryRequirements
from bridge.ports.adapter import Connection
from bridge.ports.channel import AccountInfo, Expiry, PushHint, ScoreFigure
from bridge.ports.errors import AskMerchant, NotFound, RejectItem
from bridge.ports.manifest import Site
from channel_adapters.ebay import categories, standards
from channel_adapters.ebay.account import MANIFEST, SITES
from channel_adapters.ebay.aftersales import AftersalesSide
from channel_adapters.ebay.offers import OfferSide
from channel_adapters.ebay.ordering import OrderSide
from channel_adapters.ebay.push import Push, buyer_mark

# developer.ebay.com, OAuth: a refresh token is good for 18 months. Counted short, as months differ.
TOKEN_LASTS = timedelta(days=540)
NO_SITE = (
    "eBay: this account has no marketplace with business policies for shipping, payment and returns. Opt in to "
    "business policies and make one of each in eBay's Seller Hub."
)


class EbayChannel(OfferSide, OrderSide, AftersalesSide):
    """One seller account with all its marketplaces."""

    manifest = MANIFEST

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        secret, token = connection.credentials["client_secret"], text(self.settings.get("verification_token"))
        self.push = Push(self.client, secret, self.clock, token)

    def check(self) -> AccountInfo:
        """The user proves the tokens; marketplaces, policies and locations are what offers will need. Raises
        AskMerchant."""
        user = self.client.user()
        wanted = self.wanted()
        answers = self.transport.each(lambda site: self.policies(site.code), wanted)
        for answer in answers:
            if isinstance(answer, Exception):
                raise answer
        sites = tuple(site for site in wanted if all(self.policies(site.code).values()))
        if not sites:
            raise AskMerchant(NO_SITE, field="sites")
        limit = table(self.client.privileges(), "sellingLimit")
        return AccountInfo(
            identity=text(user.get("userId")),
            name=text(user.get("username")) or text(user.get("userId")) or "eBay seller",
            countries=tuple(site.country for site in sites),
            sites=tuple(site.code for site in sites),
            choices=self.choices(sites),
            expires=self._expires(),
            details=_details(user, limit, self.home()),
        )

    def _expires(self) -> tuple[Expiry, ...]:
        found = []
        if (made := _day(self.settings.get("token_made"))) is not None:
            fix = "Make a new user token (developer.ebay.com, User Tokens), enter it here, with the day it was made."
            found.append(Expiry(what="Refresh token", at=made + TOKEN_LASTS, fix=fix))
        if (ends := self._key_ends()) is not None:
            fix = "Make a new signing key (createSigningKey) and enter private key and JWE here."
            found.append(Expiry(what="Signing key", at=ends, fix=fix))
        return tuple(found)

    def _key_ends(self) -> datetime | None:
        """eBay knows the end of each signing key; ours is the one with our JWE. Where it does not
        answer no end is known, which keeps nobody from selling."""
        jwe = text(self.credentials.get("signing_jwe"))
        if not jwe:
            return None
        try:
            keys = self.client.signing_keys()
        except RejectItem:
            return None
        mine = next((key for key in keys if text(key.get("jwe")) == jwe), {})
        seconds = whole(mine.get("expirationTime"))
        return datetime.fromtimestamp(seconds, UTC) if seconds else None

    # Categories

    def _main(self) -> Site:
        return next((site for site in self.wanted() if site.code == self.home()), self.wanted()[0])

    def list_categories(self) -> Iterator[Category]:
        return categories.categories(self.client.tree(self.tree_id(self._main())))

    def requirements(self, category: str | None) -> CategoryRequirements:
        site = self._main()
        if category is None:
            return categories.requirements(None, (), site.language)
        try:
            aspects = self.client.aspects(self.tree_id(site), category)
        except RejectItem as error:
            words = f"{site.code} has no leaf category {category!r}: {error.merchant}"
            raise NotFound(words, developer=error.developer, field="category") from error
        return categories.requirements(category, aspects, site.language)

    # Performance and push

    def score(self) -> Sequence[ScoreFigure]:
        return standards.figures(self.client.standards())

    def push_hints(self, headers: Iterable[tuple[str, str]], body: bytes) -> list[PushHint]:
        return self.push.hints(headers, body)

    def buyers_in(self, raw: Mapping[str, Any]) -> list[str]:
        name = text(table(raw, "buyer").get("username"))
        return [buyer_mark(name)] if name else []

    def push_challenge(self, url: str, query: Mapping[str, str]) -> dict[str, Any] | None:
        return self.push.challenge(url, query)

    def ensure_push(self, url: str) -> None:
        """Nothing without the e-mail that eBay wants to have: polling sees everything as well."""
        if email := text(self.settings.get("alert_email")):
            self.push.ensure(url, email)


def _details(user: Json, limit: Json, home: str) -> dict[str, Any]:
    return {
        "account type": text(user.get("accountType")),
        "registered on": text(user.get("registrationMarketplaceId")),
        "SKUs as they are on": home,
        "may sell a month": text(limit.get("quantity")),
        "language": SITES[home].language,
    }


def _day(value: Any) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value or "")).replace(tzinfo=UTC)
    except ValueError:
        return None
