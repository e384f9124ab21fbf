"""Amazon as a Channel: the account, and the sides of it that the contract asks for."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from bridge.domain.reading import Json
from bridge.ports.adapter import Connection
from bridge.ports.channel import AccountInfo, Expiry
from bridge.ports.errors import AskMerchant
from channel_adapters.amazon import mapping
from channel_adapters.amazon.account import MANIFEST
from channel_adapters.amazon.following import FollowSide
from channel_adapters.amazon.ordering import DATASETS, OrderSide
from channel_adapters.amazon.scoring import ScoreSide

# "You must rotate your LWA client secrets every 180 days": all calls fail after that.
SECRET_LASTS = timedelta(days=180)
# "The selling partner must re-authorize your public application every 365 days" (sp-api/docs/renew-authorizations).
CONSENT_LASTS = timedelta(days=365)


class AmazonChannel(FollowSide, OrderSide, ScoreSide):
    """One seller account of one region, with all its marketplaces."""

    manifest = MANIFEST

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection)
        self._reports = {}
        self._datasets, self._less_since = DATASETS[0], None

    def check(self) -> AccountInfo:
        """The participations prove the token, a look at the listings the seller ID. Raises AskMerchant."""
        info = mapping.account(self._participations(), self.in_region())
        if not info.sites:
            words = f"This account sells on none of Amazon's marketplaces of the region {self.region!r}."
            raise AskMerchant(words, field="region")
        self.client.search_listings(marketplaceIds=list(info.sites[:1]), pageSize=1)
        identity = f"{self.region}:{self.client.seller_id}"
        return info.model_copy(update={"identity": identity, "expires": self._expires()})

    def _participations(self) -> list[Json]:
        """A token of another region is refused in the words of a missing role."""
        try:
            return self.client.participations()
        except AskMerchant as error:
            words = f"{error.merchant} Or the account is of another selling region than the chosen one ({self.region})."
            raise AskMerchant(words, field=error.field or "region", developer=error.developer) from error

    def _expires(self) -> tuple[Expiry, ...]:
        found = []
        if (made := _day(self.settings.get("secret_made"))) is not None:
            fix = (
                "Make a new client secret in Seller Central (Develop Apps) and enter it here, with the day it was made."
            )
            found.append(Expiry(what="LWA client secret", at=made + SECRET_LASTS, fix=fix))
        if (given := _day(self.settings.get("authorised_on"))) is not None:
            fix = "Ask for consent at Amazon again, in the form of this account."
            found.append(Expiry(what="Consent at Amazon", at=given + CONSENT_LASTS, fix=fix))
        return tuple(found)


def _day(value: object) -> datetime | None:
    try:
        return datetime.fromisoformat(str(value or "")).replace(tzinfo=UTC)
    except ValueError:
        return None
