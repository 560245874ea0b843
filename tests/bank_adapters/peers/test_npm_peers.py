"""Libraries of npm as independent peers: what they sign we accept, what we sign they accept."""

import json
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from bank_adapters import get_adapter
from bank_adapters.contract import Request
from tests.bank_adapters.peers.signed import SENT, ours

pytestmark = pytest.mark.slow  # they are fetched first

PAYOS = """
const { PayOS } = require('@payos/node');
const peer = new PayOS({ clientId: 'c', apiKey: 'a', checksumKey: given.key });
"""
VNPAY = """
const { VNPay } = require('vnpay');
const peer = new VNPay({ tmnCode: 'TESTCODE', secureSecret: given.key, vnpayHost: 'https://vnpay.example' });
"""


def test_payos_verifies_what_we_sign(node: Any) -> None:
    document = json.loads(ours("payos", {"checksum_key": "test-key"}).body)
    script = f"{PAYOS} peer.webhooks.verify(given.document).then(say, (error) => say(String(error)));"
    assert node(script, {"key": "test-key", "document": document})["amount"] == 1_250_000
    assert "rror" in node(script, {"key": "another", "document": document})


def test_we_verify_what_payos_signs(node: Any) -> None:
    data = json.loads(ours("payos", {"checksum_key": "k"}).body)["data"]
    data |= {"description": "Tiền ăn; 9/2026 <&>", "counterAccountName": None}
    script = f"{PAYOS} say(await peer.crypto.createSignatureFromObj(given.data, given.key));"
    signature = node(script, {"key": "test-key", "data": data})
    request = Request("POST", "", "", {}, json.dumps({"data": data, "signature": signature}).encode())
    assert get_adapter("payos").authenticate(request, [{"checksum_key": "test-key"}], SENT).valid


def test_vnpay_verifies_what_we_sign(node: Any) -> None:
    """It writes the query anew, so marks such as `*` and `~`, which languages escape differently, would part us."""
    query = dict(parse_qsl(ours("vnpay", {"hash_secret": "test-key"}).query, keep_blank_values=True))
    script = f"{VNPAY} say(peer.verifyIpnCall(given.query));"
    answer = node(script, {"key": "test-key", "query": query})
    assert (answer["isVerified"], answer["isSuccess"], int(answer["vnp_Amount"])) == (True, True, 1_250_000)
    assert not node(script, {"key": "another", "query": query})["isVerified"]


def test_we_verify_what_vnpay_signs(node: Any) -> None:
    script = f"""{VNPAY} say(peer.buildPaymentUrl({{
        vnp_Amount: 1250000, vnp_IpAddr: '203.0.113.9', vnp_TxnRef: '260900017',
        vnp_OrderInfo: 'HP7K3M9Q2XAT học phí *~!()', vnp_ReturnUrl: 'https://school.example/x',
        vnp_OrderType: 'other' }}));"""
    query = urlsplit(node(script, {"key": "test-key"})).query
    request = Request("GET", "", query, {}, b"")
    adapter = get_adapter("vnpay")
    assert adapter.authenticate(request, [{"hash_secret": "test-key"}], SENT).valid
    assert not adapter.authenticate(request, [{"hash_secret": "another"}], SENT).valid
