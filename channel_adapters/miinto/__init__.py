"""Miinto: the product feed that Miinto fetches, and the order API."""

from pathlib import Path

from bridge.ports.adapter import Adapter
from channel_adapters.miinto.channel import MANIFEST, MiintoChannel
from channel_adapters.miinto.sandbox import create_sandbox
from channel_adapters.miinto.sandbox.options import IDENTIFIER, SECRET

ADAPTER = Adapter(
    folder=Path(__file__).parent,
    manifest=MANIFEST,
    connect=MiintoChannel,
    sandbox=create_sandbox,
    sandbox_credentials={"identifier": IDENTIFIER, "secret": SECRET},
    # A sandbox store has no fashion: what Miinto asks of every product is the same for all of them.
    sandbox_settings={
        "defaults": [
            "brand=Sandbox",
            "color=Multi-colour",
            "size=One Size",
            "material=Cotton",
            "madein=IT",
            "image_link=https://pictures.example/packshot.jpg",
        ]
    },
)
