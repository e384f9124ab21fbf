"""What the store says of itself: index, system status, settings, tax classes."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from platform_adapters.woocommerce.sandbox.api import ROOT, Api
from platform_adapters.woocommerce.sandbox.errors import WooError
from platform_adapters.woocommerce.sandbox.shop import Doc

TITLES = {"reduced-rate": "Reduced rate", "zero-rate": "Zero rate"}


def add_routes(api: Api) -> None:
    def index() -> Any:
        return _index(api)

    def group(name: str) -> Any:
        return [_setting(api, name, key, value) for key, value in _settings(api, name).items()]

    def setting(name: str, key: str) -> Any:
        found = _settings(api, name)
        if key not in found:
            raise WooError("rest_setting_setting_invalid", "Invalid setting.", 404)
        return _setting(api, name, key, found[key])

    api.route("/wp-json/", "system.index", index, "GET", public=True)
    api.route("", "system.routes", lambda: {"namespace": "wc/v3", "routes": _routes(api)}, "GET")
    api.route("/system_status", "system.status", lambda: _status(api), "GET")
    api.route("/settings/<name>", "settings.list", group, "GET")
    api.route("/settings/<name>/<key>", "settings.get", setting, "GET")
    api.route("/taxes", "taxes.list", lambda: _tax_rates(api), "GET")
    api.route("/taxes/classes", "taxes.classes", lambda: _tax_classes(api), "GET")
    api.route("/data/currencies/current", "data.currency", lambda: _currency(api), "GET")


def _routes(api: Api) -> Doc:
    rules = sorted({rule.rule for rule in api.app.url_map.iter_rules() if rule.rule.startswith("/wp-json/wc")})
    return {rule.removeprefix("/wp-json"): {"namespace": "wc/v3"} for rule in rules}


def _index(api: Api) -> Doc:
    options = api.options
    offset = datetime.now(api.shop.zone).utcoffset()
    hours = offset.total_seconds() / 3600 if offset else 0
    namespaces = ["oembed/1.0", "wc/v1", "wc/v2", "wc/v3", "wc/store/v1", "wp/v2"]
    namespaces += ["wc-shipment-tracking/v3"] if options.shipment_tracking else []
    namespaces += ["wc-ast/v3"] if options.ast else []
    view = {"name": options.site_name, "description": "", "url": api.base(), "home": api.base()}
    view |= {"gmt_offset": str(int(hours) if hours == int(hours) else hours), "timezone_string": options.timezone}
    return view | {"namespaces": namespaces, "authentication": {}, "routes": _routes(api)}


def _status(api: Api) -> Doc:
    options, root = api.options, api.base()
    environment: Doc = {"home_url": root, "site_url": root, "version": options.version}
    environment |= {"wp_version": options.wordpress_version, "wp_multisite": False, "wp_cron": True}
    environment |= {"language": "en_US", "php_version": "8.2.30", "default_timezone": "UTC"}
    plugins = [{"plugin": "woocommerce/woocommerce.php", "name": "WooCommerce", "version": options.version}]
    settings = {"api_enabled": False, "force_ssl": False, "currency": options.currency}
    settings |= {"currency_symbol": options.currency_symbol, "number_of_decimals": options.price_decimals}
    settings |= {"HPOS_enabled": True, "order_datastore": "OrdersTableDataStore"}
    view: Doc = {"environment": environment, "database": {"wc_database_version": options.version}}
    return view | {"active_plugins": plugins, "settings": settings, "security": {"secure_connection": False}}


def _settings(api: Api, group: str) -> Doc:
    options = api.options
    known: dict[str, Doc] = {
        "general": {
            "woocommerce_currency": options.currency,
            "woocommerce_calc_taxes": "yes" if options.tax_rates else "no",
            "woocommerce_price_num_decimals": str(options.price_decimals),
            "woocommerce_default_country": "NL",
        },
        "tax": {
            "woocommerce_prices_include_tax": "yes" if options.prices_include_tax else "no",
            "woocommerce_shipping_tax_class": options.shipping_tax_class,
            "woocommerce_tax_based_on": "shipping",
        },
        "products": {
            "woocommerce_manage_stock": "yes",
            "woocommerce_weight_unit": "kg",
            "woocommerce_dimension_unit": "cm",
        },
    }
    if group not in known:
        raise WooError("rest_setting_setting_group_invalid", "Invalid setting group.", 404)
    return known[group]


def _setting(api: Api, group: str, key: str, value: str) -> Doc:
    label = key.removeprefix("woocommerce_").replace("_", " ").capitalize()
    view = {"id": key, "label": label, "description": "", "type": "text", "default": "", "tip": ""}
    own = f"{api.base()}{ROOT}/settings/{group}"
    links = {"self": [{"href": f"{own}/{key}"}], "collection": [{"href": own}]}
    return view | {"value": value, "group_id": group, "_links": links}


def _tax_rates(api: Api) -> list[Doc]:
    rows = []
    for number, (name, percent) in enumerate(api.options.tax_rates.items(), start=1):
        row = {"id": number, "country": "", "state": "", "postcode": "", "city": "", "rate": f"{percent:.4f}"}
        row |= {"name": api.options.tax_label, "priority": 1, "compound": False, "shipping": True, "order": number}
        rows.append(row | {"class": name or "standard", "postcodes": [], "cities": []})
    return rows


def _tax_classes(api: Api) -> list[Doc]:
    slugs = ["standard", *sorted(api.options.tax_classes)]
    return [{"slug": slug, "name": TITLES.get(slug, slug.replace("-", " ").capitalize())} for slug in slugs]


def _currency(api: Api) -> Doc:
    return {"code": api.options.currency, "name": api.options.currency, "symbol": api.options.currency_symbol}
