"""Shipping labels v10: one kind of parcel, one price."""

from __future__ import annotations

import uuid

from flask import Response

from channel_adapters.bol.sandbox.market import Call, Document, Market
from channel_adapters.bol.sandbox.orders import find_item
from channel_adapters.bol.sandbox.processes import accept
from channel_adapters.bol.sandbox.protocol import V10_PDF, answer, not_found


def get_delivery_options(call: Call) -> Response:
    for line in call.body.orderItems:
        if line.orderItemId not in call.market.index.order_of_item:
            raise not_found(f"Order item {line.orderItemId}")
    option = {"shippingLabelOfferId": "027b79fa-5743-40f0-94c7-0eac761af611", "recommended": True}
    option |= {"transporterCode": "TNT", "labelType": "PARCEL", "labelDisplayName": "PostNL & bol - Pakket"}
    option |= {"labelPrice": {"totalPrice": 4.88}}
    option |= {"packageRestrictions": {"maxWeight": "10 kg", "maxDimensions": "100 x 50 x 50 cm"}}
    return answer({"deliveryOptions": [option]})


def post_shipping_label(call: Call) -> Response:
    return accept(call, "CREATE_SHIPPING_LABEL", call.body.orderItems[0].orderItemId, call.body.wire())


def make_label(market: Market, payload: Document) -> str:
    for line in payload["orderItems"]:
        find_item(market, line["orderItemId"])
    label_id = str(uuid.uuid4())
    tracking = f"3SBOL{market.docs.next_id('label', 1000000001)}"
    market.docs.put("labels", label_id, {"labelId": label_id, "trackAndTrace": tracking})
    return label_id


def get_shipping_label(call: Call) -> Response:
    label = call.market.docs.get("labels", call.path["shipping-label-id"])
    if label is None:
        raise not_found("Shipping label")
    response = Response(b"%PDF-1.4\n% shipping label of the sandbox\n%%EOF\n", content_type=V10_PDF)
    response.headers["X-Track-And-Trace-Code"] = label["trackAndTrace"]
    response.headers["X-Transporter-Code"] = "TNT"
    return response
