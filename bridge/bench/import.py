"""Marketplace orders into the store, against the rate at which the bare store creates orders.

The sandbox store takes as long for an answer as a real one on a small server did, with four PHP processes; the
marketplace's limits on reading orders are lifted, so that the store is what is worked against. Bare: the same
store, as many callers at once as the adapter has, nothing but creates. Everything around is real: pulling,
storing, reserving, lowering all offers, looking up before each create, readings that the store's webhooks cause.
"""  # noqa: N999 - named as it is called

from bridge.bench._import import run

__all__ = ["run"]
