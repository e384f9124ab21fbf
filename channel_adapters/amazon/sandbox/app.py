"""Everything joined: the operations, and what happens by itself."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from flask import Flask

from bridge.ports.sandbox import SandboxKit
from channel_adapters.amazon.sandbox import account, catalogue, definitions, feeds, listings, orders, reports
from channel_adapters.amazon.sandbox.control import Control
from channel_adapters.amazon.sandbox.gate import Operation, mount
from channel_adapters.amazon.sandbox.market import Market
from channel_adapters.amazon.sandbox.options import Options

ITEM = "/listings/2021-08-01/items/<seller_id>/<path:sku>"
ORDER = "/orders/2026-01-01/orders"
FEEDS, REPORTS = "/feeds/2021-06-30", "/reports/2021-06-30"
TYPES = "/definitions/2020-09-01/productTypes"

OPERATIONS: tuple[Operation, ...] = (
    Operation("getMarketplaceParticipations", "GET", "/sellers/v1/marketplaceParticipations", account.participations),
    Operation("searchListingsItems", "GET", "/listings/2021-08-01/items/<seller_id>", listings.search_listings),
    Operation("getListingsItem", "GET", ITEM, listings.get_listing),
    Operation("putListingsItem", "PUT", ITEM, listings.put_listing),
    Operation("patchListingsItem", "PATCH", ITEM, listings.patch_listing),
    Operation("deleteListingsItem", "DELETE", ITEM, listings.delete_listing),
    Operation("searchCatalogItems", "GET", "/catalog/2022-04-01/items", catalogue.search_catalogue),
    Operation("searchDefinitionsProductTypes", "GET", TYPES, definitions.search_types),
    Operation("getDefinitionsProductType", "GET", f"{TYPES}/<product_type>", definitions.get_type),
    Operation("schema", "GET", "/schemas/<product_type>/<site>", definitions.get_schema, open=True),
    Operation("searchOrders", "GET", ORDER, orders.search_orders),
    Operation("getOrder", "GET", f"{ORDER}/<order_id>", orders.get_order),
    Operation("confirmShipment", "POST", "/orders/v0/orders/<order_id>/shipmentConfirmation", orders.confirm_shipment),
    Operation("createFeedDocument", "POST", f"{FEEDS}/documents", feeds.create_document),
    Operation("getFeedDocument", "GET", f"{FEEDS}/documents/<document_id>", feeds.get_document),
    Operation("createFeed", "POST", f"{FEEDS}/feeds", feeds.create_feed, plan=False),
    Operation("getFeeds", "GET", f"{FEEDS}/feeds", feeds.get_feeds),
    Operation("getFeed", "GET", f"{FEEDS}/feeds/<feed_id>", feeds.get_feed),
    Operation("createReport", "POST", f"{REPORTS}/reports", reports.create_report),
    Operation("getReports", "GET", f"{REPORTS}/reports", reports.get_reports),
    Operation("getReport", "GET", f"{REPORTS}/reports/<report_id>", reports.get_report),
    Operation("getReportDocument", "GET", f"{REPORTS}/documents/<document_id>", reports.get_report_document),
    Operation("upload", "PUT", "/documents/<document_id>", feeds.upload, open=True),
    Operation("download", "GET", "/documents/<document_id>", feeds.download, open=True),
)


def create_sandbox(state_path: Path | None = None, **options: Any) -> Flask:
    """Amazon in miniature. ``options`` are the fields of :class:`Options`."""
    app = Flask("amazon_sandbox")
    kit = SandboxKit(app, state_path)
    market = Market(kit, Options(**options))
    # Named like the documents whose time has come.
    market.actions["listings"] = partial(listings.show, market)
    market.actions["feeds"] = partial(feeds.process, market)
    market.actions["reports"] = partial(reports.finish, market)
    mount(app, market, OPERATIONS)
    Control(market).mount(app)
    kit.on_reset.append(market.rebuild)
    market.rebuild()
    return app
