"""Published libraries as independent peers: what they sign we accept, what we sign they accept."""

import base64
import json
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qs

import http_message_signatures as hms
import pytest
import requests
from gpmpay.webhooks import sign_webhook_payload, verify_webhook_signature
from jwcrypto import jwe, jwk, jws
from payos._crypto import CryptoProvider
from standardwebhooks.webhooks import Webhook

from bank_adapters import get_adapter
from bank_adapters.contract import Request
from payments.developers.keys import rehearsal_secret
from payments.developers.senders import signed_request
from payments.developers.sending import SENDER_KEY
from tests.bank_adapters.peers.signed import PAYMENT, SENT, URL, ours

EVENT = {
    "type": "bank.transaction.credited",
    "timestamp": "2026-09-22T08:15:30+07:00",
    "data": {"txn_id": "FT1", "amount": 1_250_000, "currency": "VND", "content": "học phí"},
}


def believed(adapter: str, request: Request, secret: dict[str, str]) -> bool:
    return get_adapter(adapter).authenticate(request, [secret], SENT).valid


def test_payos_signs_as_we_do() -> None:
    secret = {"checksum_key": "test-key"}
    peer = CryptoProvider()
    document = json.loads(ours("payos", secret).body)
    assert peer.create_signature_from_object(document["data"], secret["checksum_key"]) == document["signature"]
    data = {**document["data"], "counterAccountName": None, "description": "Tiền ăn; 9/2026"}
    document = {"data": data, "signature": peer.create_signature_from_object(data, secret["checksum_key"])}
    request = Request("POST", "", "", {}, json.dumps(document).encode())
    assert believed("payos", request, secret)
    assert not believed("payos", request, {"checksum_key": "another"})


def test_standard_webhooks_sign_and_verify_as_we_do() -> None:
    secret = {"secret": "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}
    peer, at = Webhook(secret["secret"]), datetime.now(UTC)
    body = json.dumps(EVENT)
    headers = {
        "webhook-id": "msg_1",
        "webhook-timestamp": str(int(at.timestamp())),
        "webhook-signature": peer.sign("msg_1", at, body),
    }
    adapter = get_adapter("standard_webhooks")
    assert adapter.authenticate(Request("POST", "", "", headers, body.encode()), [secret], at).valid
    request = signed_request("standard_webhooks", secret, PAYMENT, sent_at=at)
    assert peer.verify(request.body, dict(request.headers))["data"]["amount"] == 1_250_000


def test_gpm_pay_signs_and_verifies_as_we_do() -> None:
    secret = {"secret": "test-gpm"}
    request = ours("gpmpay", secret)
    header = request.header("x-gpmpay-signature")
    clock = SENT.timestamp
    assert verify_webhook_signature(raw_body=request.body, signature=header, secret=secret["secret"], now=clock)
    body = '{"id":"a","content":"Học phí"}'
    signature = sign_webhook_payload(raw_body=body, secret=secret["secret"], timestamp=int(SENT.timestamp()))
    theirs = Request("POST", "", "", {"X-GPMPay-Signature": signature}, body.encode())
    assert believed("gpmpay", theirs, secret)
    assert not believed("gpmpay", theirs, {"secret": "another"})


@pytest.mark.slow
def test_9pay_verifies_and_reads_what_we_sign(ninepay: Any) -> None:
    secret = {"checksum_key": "test-9pay"}
    form = parse_qs(ours("ninepay", secret).body.decode())
    given = {"key": secret["checksum_key"], "result": form["result"][0], "checksum": form["checksum"][0]}
    answer = ninepay(given)
    assert answer["believed"]
    assert (answer["read"]["amount"], answer["read"]["invoice_no"]) == (1_250_000, "260900017")
    assert not ninepay({**given, "key": "another"})["believed"]


class Resolver(hms.HTTPSignatureKeyResolver):
    def __init__(self, key: bytes) -> None:
        self.key = key

    def resolve_private_key(self, key_id: str) -> bytes:
        return self.key

    def resolve_public_key(self, key_id: str) -> bytes:
        return self.key


COVERED = ("@method", "@authority", "@path", "content-type", "content-digest")


def prepared(request: Request) -> requests.PreparedRequest:
    return requests.Request("POST", URL, headers=dict(request.headers), data=request.body).prepare()


def test_rfc_9421_is_verified_by_its_peer_and_verifies_it() -> None:
    secret, theirs = rehearsal_secret("rfc9421")
    key = base64.b64decode(secret["shared_secret_b64"])
    now = datetime.fromtimestamp(int(time.time()), UTC)
    request = signed_request("rfc9421", theirs, PAYMENT, sent_at=now, url=URL)
    verifier = hms.HTTPMessageVerifier(signature_algorithm=hms.algorithms.HMAC_SHA256, key_resolver=Resolver(key))
    (result,) = verifier.verify(prepared(request), body=request.body)
    assert {name.strip('"') for name in result.covered_components} >= set(COVERED)

    body = json.dumps(EVENT).encode()
    message = requests.Request("POST", URL, headers={"Content-Type": "application/json"}, data=body).prepare()
    signer = hms.HTTPMessageSigner(signature_algorithm=hms.algorithms.HMAC_SHA256, key_resolver=Resolver(key))
    signer.sign(message, key_id="bank", covered_component_ids=COVERED, created=now, body=body)
    received = Request("POST", "", "", dict(message.headers), body, url=URL)
    adapter = get_adapter("rfc9421")
    assert adapter.authenticate(received, [secret], now).valid
    assert adapter.parse(received, [secret])[0].amount_vnd == 1_250_000


def test_jose_is_opened_by_its_peer_and_opens_it() -> None:
    secret, theirs = rehearsal_secret("bidv_openapi_jose")
    kek = jwk.JWK(kty="oct", k=base64.urlsafe_b64encode(bytes.fromhex(secret["kek_hex"])).decode().rstrip("="))
    request = ours("bidv_openapi_jose", theirs)
    signature = jws.JWS()
    signature.deserialize(request.header("x-jws-signature"), jwk.JWK.from_pem(secret["public_pem"].encode()))
    assert signature.payload == request.body
    body = json.loads(request.body)
    parts = (body["protected"], body["recipients"][0]["encrypted_key"], body["iv"], body["ciphertext"], body["tag"])
    opened = jwe.JWE()
    opened.deserialize(".".join(parts), key=kek)
    assert json.loads(opened.payload)["amount"] == "1250000"

    header = {"alg": "A256KW", "enc": "A128CBC-HS256"}
    token = jwe.JWE(b'{"trans_id":"1","amount":"1250000"}', json.dumps(header))
    token.add_recipient(kek)
    protected, key, iv, text, tag = token.serialize(compact=True).split(".")
    document = {
        "recipients": [{"header": header, "encrypted_key": key}],
        "protected": protected,
        "ciphertext": text,
        "iv": iv,
        "tag": tag,
    }
    theirs_body = json.dumps(document).encode()
    signed = jws.JWS(theirs_body)
    signed.add_signature(jwk.JWK.from_pem(theirs[SENDER_KEY].encode()), "RS256", json.dumps({"alg": "RS256"}))
    received = Request("POST", "", "", {"X-JWS-Signature": signed.serialize(compact=True)}, theirs_body)
    assert believed("bidv_openapi_jose", received, secret)
    assert get_adapter("bidv_openapi_jose").parse(received, [secret])[0].amount_vnd == 1_250_000


@pytest.mark.parametrize("algorithm", ["RS384", "PS256"])
def test_jose_in_another_algorithm_is_not_believed(algorithm: str) -> None:
    secret, theirs = rehearsal_secret("bidv_openapi_jose")
    request = ours("bidv_openapi_jose", theirs)
    signed = jws.JWS(request.body)
    signed.add_signature(jwk.JWK.from_pem(theirs[SENDER_KEY].encode()), algorithm, json.dumps({"alg": algorithm}))
    received = Request("POST", "", "", {"X-JWS-Signature": signed.serialize(compact=True)}, request.body)
    assert not believed("bidv_openapi_jose", received, secret)
