"""The shop's bundles as they hold now, and what of the catalogue belongs to them: what follows a component, and what a
bundle is put together from. Each costs a constant number of statements, and none where the shop has no bundles."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from bridge.db.tables import Document, Variant
from bridge.domain.bundles import NO_BUNDLES, BundleIndex, Bundles
from bridge.flows.documents import SHOP
from bridge.flows.engine import Engine

KIND = "bundles"
# Made once: making these statements costs more than running them.
_IDS: Any = bindparam("ids", expanding=True)
_HERE = (Document.subject == SHOP, Document.kind == KIND, Document.until.is_(None))
_SINCE = select(Document.since).where(*_HERE)
_CONTENT = select(Document.since, Document.content).where(*_HERE)
_SKUS = select(Variant.sku).where(Variant.id.in_(_IDS), Variant.sku.is_not(None))
_NAMED = select(Variant.id).where(Variant.sku.in_(_IDS))
_STANDING = select(Variant).where(Variant.sku.in_(_IDS), Variant.deleted_at.is_(None)).order_by(Variant.id)


def index(engine: Engine, session: Session) -> BundleIndex:
    """As the settings are now; read whole only when they have changed."""
    since = session.scalar(_SINCE)
    if since is None:
        return NO_BUNDLES
    shop_id = session.info["shop_id"]
    known = engine.bundles.get(shop_id)
    if known is None or known[0] != since:
        row = session.execute(_CONTENT).one()
        known = engine.bundles[shop_id] = (row[0], BundleIndex(Bundles.model_validate(row[1])))
    return known[1]


def with_bundles(
    session: Session, bundles: BundleIndex, variant_ids: Sequence[int], left: Collection[str] = ()
) -> Sequence[int]:
    """These variants, and every bundle that holds one of them, or of the SKUs that they carry no more (``left``)."""
    if not bundles or not variant_ids:
        return variant_ids
    names = bundles.holding({*session.scalars(_SKUS, {"ids": list(variant_ids)}), *left})
    if not names:
        return variant_ids
    return sorted({*variant_ids, *session.scalars(_NAMED, {"ids": sorted(names)})})


def standing(session: Session, skus: Collection[str]) -> dict[str, list[Variant]]:
    """The store's products of these SKUs: one each, if all is well."""
    found: defaultdict[str, list[Variant]] = defaultdict(list)
    if skus:
        for row in session.scalars(_STANDING, {"ids": sorted(skus)}):
            found[str(row.sku)].append(row)
    return found
