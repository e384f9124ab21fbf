"""The admins our pages are shown in, as far as a browser sees them: what stands around, and the base styles that a page
inside inherits. Drawn after the real ones, with none of their files."""

from __future__ import annotations

from pathlib import Path

HERE = Path(__file__).parent
APP_BRIDGE = (HERE / "app_bridge.js").read_text(encoding="utf-8")
POLARIS = (HERE / "polaris.js").read_text(encoding="utf-8")

WORDPRESS = """
html { background: #f0f0f1; } body { margin: 0; color: #3c434a; font: 13px/1.4em -apple-system, "Segoe UI", Roboto, sans-serif; }
a { color: #2271b1; } p { font-size: 13px; line-height: 1.5; margin: 1em 0; } h1, h2, h3 { color: #1d2327; font-weight: 600; }
h1 { font-size: 2em; margin: .67em 0; } h2 { font-size: 1.3em; margin: 1em 0; } code { padding: 3px 5px 2px; background: rgba(0,0,0,.07); font-size: 13px; }
ul, ol { padding: 0; } li { margin-bottom: 6px; line-height: 1.4em; } td, th { padding: 8px 10px; } th { text-align: center; } dt { font-weight: 600; } dd { margin-inline-start: 40px; }
input, select, textarea, button { box-sizing: border-box; font-family: inherit; font-size: inherit; } label { cursor: pointer; vertical-align: middle; }
input[type=text], input[type=search], input[type=number], select { padding: 0 8px; line-height: 2; min-height: 30px; border: 1px solid #8c8f94; border-radius: 4px; max-width: 25rem; }
.host-bar { background: #1d2327; color: #f0f0f1; height: 32px; padding: 0 12px; line-height: 32px; }
.host-menu { position: absolute; top: 0; bottom: 0; left: 0; width: 160px; background: #1d2327; color: #f0f0f1; }
.host-menu div { padding: 8px 12px; font-size: 14px; } .host-menu .here { background: #2271b1; color: #fff; }
.host-content { margin-left: 160px; padding-left: 20px; min-height: calc(100vh - 32px); overflow: hidden; } .host { position: relative; }
@media (max-width: 782px) { .host-menu { display: none; } .host-content { margin-left: 0; padding-left: 10px; } }
"""
MAGENTO = """
html { font-size: 62.5%; } body { margin: 0; color: #333; background: #fff; font: 1.4rem/1.36 "Open Sans", "Helvetica Neue", Arial, sans-serif; }
a { color: #007bdb; text-decoration: none; } p { margin: 0 0 1em; } h1 { font-size: 2.8rem; font-weight: 300; } h2 { font-size: 2rem; margin: 0 0 1em; } li { margin: 0 0 .5em; }
button { background: #e3e3e3; border: 1px solid #adadad; color: #514943; font-size: 1.4rem; font-weight: 600; padding: .6rem 1em; text-shadow: 1px 1px 0 #fff; }
table { border-collapse: collapse; width: 100%; } table th { text-align: left; } fieldset { border: 0; padding: 0; } label { font-weight: 600; } dd { margin: 0 0 1em; }
input, select { border: 1px solid #adadad; font-size: 1.4rem; } .host { position: relative; }
.host-bar { height: 56px; padding: 0 30px 0 118px; line-height: 56px; border-bottom: 1px solid #e3e3e3; }
.host-menu { position: absolute; top: 0; bottom: 0; left: 0; width: 88px; background: #373330; color: #fff; text-align: center; font-size: 1rem; padding-top: 70px; }
.host-menu div { padding: 14px 0; text-transform: uppercase; } .host-menu .here { background: #4a3f39; } .host-content { margin-left: 88px; padding: 20px 30px; min-height: calc(100vh - 56px); }
@media (max-width: 782px) { .host-menu { width: 44px; } .host-menu div { font-size: 0; } .host-content { margin-left: 44px; padding: 12px; } .host-bar { padding-left: 60px; } }
"""
SHOPIFY = """
html, body { margin: 0; height: 100%; background: #1a1a1a; font: 13px/20px Inter, -apple-system, "Segoe UI", Roboto, sans-serif; color: #303030; }
.host { display: flex; height: calc(100% - 56px); background: #f1f1f1; border-radius: 12px 12px 0 0; overflow: hidden; }
.host-bar { height: 56px; line-height: 56px; color: #fff; padding: 0 20px; font-weight: 650; } .host-menu { width: 240px; background: #ebebeb; padding: 12px; box-sizing: border-box; }
.host-menu div { padding: 4px 8px; border-radius: 8px; font-weight: 550; } .host-menu .here { background: #fafafa; } .host-menu .sub { padding-left: 36px; font-weight: 450; }
iframe { flex: 1; border: 0; height: 100%; min-width: 0; } @media (max-width: 782px) { .host-menu { display: none; } }
"""
# The one script of ours that the admins print: the plugin's and the module's own.
_ADAPTERS = HERE.parents[2] / "platform_adapters"
_SCRIPTS = {
    "wordpress": _ADAPTERS / "woocommerce" / "plugin" / "storebridge" / "assets" / "consent.js",
    "magento": _ADAPTERS / "magento" / "module" / "view" / "adminhtml" / "web" / "js" / "consent.js",
}
SCRIPTS = {skin: path.read_text(encoding="utf-8") for skin, path in _SCRIPTS.items()}
STYLES = {"wordpress": WORDPRESS, "magento": MAGENTO, "shopify": SHOPIFY}
MENUS = {
    "wordpress": ("Dashboard", "Posts", "Media", "Pages", "WooCommerce", "*Storebridge", "Products", "Analytics", "Settings"),
    "magento": ("Dashboard", "Sales", "Catalog", "Customers", "*Storebridge", "Stores", "System"),
    "shopify": ("Home", "Orders", "Products", "Customers", "*Storebridge", ">Listings", ">Orders", ">Activity", ">Settings"),
}  # fmt: skip
BARS = {"wordpress": "My shop", "magento": "Storebridge", "shopify": "My shop"}


def around(skin: str, inside: str, style: str = "", lang: str = "en") -> str:
    """The page of an admin with our fragment (or an iframe) printed into it."""
    items = "".join(
        f'<div class="{"here" if name[0] == "*" else "sub" if name[0] == ">" else ""}">{name.lstrip("*>")}</div>'
        for name in MENUS[skin]
    )
    script = f"<script>{SCRIPTS[skin]}</script>" if skin in SCRIPTS else ""
    return (
        f'<!doctype html><html lang="{lang}"><head><meta charset="utf-8"><title>Storebridge</title>'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"><style>{STYLES[skin]}</style>'
        f'<style>{style}</style></head><body><div class="host-bar" role="banner">{BARS[skin]}</div><div class="host">'
        f'<div class="host-menu" role="navigation" aria-label="Admin">{items}</div>'
        f'<div class="host-content" role="main" style="{"display: contents" if skin == "shopify" else ""}">{inside}</div></div>{script}</body></html>'
    )
