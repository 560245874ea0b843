"""What a data file can say of a sender, form by form; signatures are made here by hand."""

import base64
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from bank_adapters.contract import (
    Direction,
    MalformedCallbackError,
    Outcome,
    Reason,
    Request,
    Status,
)
from bank_adapters.declarative import DeclarativeAdapter, signing, templates, transactions
from tests.bank_adapters.declarative.makers import (
    ANSWERS,
    PAID,
    SECRET,
    bank,
    compact,
    digest,
    post,
    sign,
    signed,
)

NOW = 1790039735
TEXT = 'text = "{header:x-lotus-time}|{body}"'
FROM = 'from = "header:x-lotus-sign"'
HMAC = 'algorithm = "hmac-sha256"\nkey = "secret"'
AMOUNT = 'amount = "so_tien"'
WHEN = 'occurred_at = "thoi_gian | receipt"'


def verdict(adapter: Any, request: Request, secrets: Any = (SECRET,), now: Any = NOW) -> Reason:
    return adapter.authenticate(request, list(secrets), now).reason


def read(adapter: Any, **changed: Any) -> Any:
    (found,) = adapter.parse(signed({**PAID, **changed}), [SECRET])
    return found


def test_the_invented_sender_is_believed_read_and_answered() -> None:
    adapter, request = bank(), signed()
    assert verdict(adapter, request) is Reason.ok
    found = read(adapter)
    assert (found.provider_txn_id, found.amount_vnd, found.dedup_key) == ("L1", 1_250_000, "L1")
    assert found.occurred_at.isoformat() == "2026-09-22T08:15:30+07:00"
    answer = adapter.acknowledge(request, [Outcome.accepted], [SECRET], NOW)
    assert (answer.status, answer.body) == (200, b'{"ma":"00","so_tham_chieu":"L1"}')


@pytest.mark.parametrize("change", [{"so_tien": 9250000}, {"ma_gd": "L2"}, {"new": 1}])
def test_every_field_of_a_signed_body_counts(change: dict[str, Any]) -> None:
    genuine = signed()
    forged = replace(genuine, body=compact({**PAID, **change}).encode())
    assert verdict(bank(), forged) is Reason.bad_signature


@pytest.mark.parametrize(
    ("algorithm", "expected"),
    [
        ("hmac-sha1", sign("t|{}", algorithm="sha1")),
        ("hmac-sha384", sign("t|{}", algorithm="sha384")),
        ("hmac-sha512", sign("t|{}", algorithm="sha512")),
    ],
)
def test_each_hmac(algorithm: str, expected: str) -> None:
    adapter = bank(("hmac-sha256", algorithm))
    assert verdict(adapter, post("{}", x_lotus_time="t", x_lotus_sign=expected)) is Reason.ok
    assert verdict(adapter, post("{}", x_lotus_time="t", x_lotus_sign=expected.upper())) is Reason.bad_signature


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "sha256", "sha512"])
def test_each_plain_hash_with_the_secret_in_its_text(algorithm: str) -> None:
    adapter = bank((HMAC, f'algorithm = "{algorithm}"'), (TEXT, 'text = "{body}{secret:secret}"'))
    right = digest("{}k", algorithm).hex()
    assert verdict(adapter, post("{}", x_lotus_sign=right)) is Reason.ok
    assert verdict(adapter, post("{}", x_lotus_sign=digest("{}", algorithm).hex())) is Reason.bad_signature


@pytest.mark.parametrize(
    ("encoding", "write"),
    [
        ("hex", lambda raw: raw.hex()),
        ("hex-upper", lambda raw: raw.hex().upper()),
        ("hex-any-case", lambda raw: raw.hex().upper()),
        ("base64", lambda raw: base64.b64encode(raw).decode()),
        ("base64url", lambda raw: base64.urlsafe_b64encode(raw).decode().rstrip("=")),
    ],
)
def test_each_way_to_write_a_signature(encoding: str, write: Any) -> None:
    adapter = bank((HMAC, f'{HMAC}\nencoding = "{encoding}"\nprefix = "v1 "'))
    raw = bytes.fromhex(sign("t|{}"))
    assert verdict(adapter, post("{}", x_lotus_time="t", x_lotus_sign=f"v1 {write(raw)}")) is Reason.ok
    assert verdict(adapter, post("{}", x_lotus_time="t", x_lotus_sign=write(raw))) is Reason.bad_signature


def test_a_key_may_be_hex_or_base64() -> None:
    request = post("{}", x_lotus_time="t", x_lotus_sign=sign("t|{}"))
    for encoding, key in (("hex", "6b"), ("base64", "aw==")):
        adapter = bank((HMAC, f'{HMAC}\nkey_encoding = "{encoding}"'))
        assert verdict(adapter, request, [{"secret": key}]) is Reason.ok
        assert verdict(adapter, request, [{"secret": "k?"}]) is Reason.unconfigured


def test_values_in_a_given_order_with_something_between() -> None:
    adapter = bank((TEXT, 'text = "{field:ma_gd}|{field:so_tien}|{field:noi_dung}"'))
    right = sign("L1|1250000|HP7K3M9Q2XAT học phí")
    assert verdict(adapter, post(compact(PAID), x_lotus_sign=right)) is Reason.ok


def test_values_that_are_cut_otherwise_fit_the_signature_and_are_refused() -> None:
    """A payer writes «…|…» into the memo, and the signed text is sent again with other fields."""
    adapter = bank((TEXT, 'text = "{field:ma_gd}|{field:so_tien}|{field:noi_dung}"'))
    document = {**PAID, "ma_gd": "L1|5", "so_tien": 7, "noi_dung": "x"}
    request = post(compact(document), x_lotus_sign=sign("L1|5|7|x"))
    assert verdict(adapter, request) is Reason.ok
    with pytest.raises(MalformedCallbackError, match="ma_gd"):
        adapter.parse(request, [SECRET])
    genuine = {**PAID, "noi_dung": "5|7|x"}
    assert adapter.parse(post(compact(genuine)), [SECRET])[0].description == "5|7|x"


def test_all_values_in_the_order_of_their_keys() -> None:
    adapter = bank((FROM, 'from = "sign"'), (TEXT, 'text = "{values}"'), ('key = "ma_gd"\n', 'key = "signed_text"\n'))
    document = {"so_tien": 7.0, "ma_gd": "L1", "b": {"z": True, "a": None}, "c": [1, "x"], "thoi_gian": "1790039730"}
    text = "true1xL17.01790039730"
    request = post(compact({**document, "sign": sign(text)}))
    assert verdict(adapter, request) is Reason.ok
    moved = post(compact({**document, "ma_gd": "L", "n": "1", "sign": sign(text)}))
    assert verdict(adapter, moved) is Reason.ok
    keys = {adapter.parse(one, [SECRET])[0].dedup_key for one in (request, moved)}
    assert len(keys) == 1  # one signature is one payment, however its characters are cut into fields


def test_a_retry_that_is_signed_anew_is_the_same_payment() -> None:
    """Time and body stand side by side in many schemes; a JSON object lets nothing pass its braces."""
    adapter = bank((TEXT, 'text = "{header:x-lotus-time}{body}"'))
    body = compact(PAID)
    requests = [
        post(body, x_lotus_time=stamp, x_lotus_sign=sign(stamp + body)) for stamp in ("1790039730", "1790039790")
    ]
    assert [verdict(adapter, request) for request in requests] == [Reason.ok] * 2
    assert {adapter.parse(request, [SECRET])[0].dedup_key for request in requests} == {"L1"}
    cut = post(body[1:], x_lotus_time="1790039730{", x_lotus_sign=sign("1790039730" + body))
    assert verdict(adapter, cut) is Reason.ok
    with pytest.raises(MalformedCallbackError):
        adapter.parse(cut, [SECRET])


def test_headers_are_no_part_of_a_signed_text_that_tells_payments_apart() -> None:
    adapter = bank(
        (FROM, 'from = "sign"'),
        (TEXT, 'text = "{header:x-lotus-time}|{values}"'),
        ('key = "ma_gd"\n', 'key = "signed_text"\n'),
    )
    values = "".join(str(PAID[name]) for name in sorted(PAID))
    requests = [
        post(compact({**PAID, "sign": sign(f"{stamp}|{values}")}), x_lotus_time=stamp) for stamp in ("1790039730", "2")
    ]
    assert [verdict(adapter, request) for request in requests] == [Reason.ok] * 2
    assert len({adapter.parse(request, [SECRET])[0].dedup_key for request in requests}) == 1


def test_all_pairs_in_the_order_of_their_keys() -> None:
    adapter = bank((FROM, 'from = "sign"'), (TEXT, 'text = "{pairs}"'))
    text = "ma_gd=L1&noi_dung=x&so_tien=7&thoi_gian=1790039730"
    document = {"so_tien": 7, "noi_dung": "x", "ma_gd": "L1", "thoi_gian": "1790039730", "sign": sign(text)}
    assert verdict(adapter, post(compact(document))) is Reason.ok
    cut = {"ma_gd": "L1&noi_dung=x", "so_tien": 7, "thoi_gian": "1790039730", "noi_dung": "y"}
    with pytest.raises(MalformedCallbackError, match="ambiguous"):
        adapter.parse(post(compact(cut)), [SECRET])


def test_numbers_may_have_been_signed_as_javascript_prints_them() -> None:
    adapter = bank((TEXT, 'text = "{field:ma_gd}|{field:so_tien}"'))
    body = compact(PAID).replace("1250000", "1250000.0")
    for signed_amount in ("1250000", "1250000.0"):
        assert verdict(adapter, post(body, x_lotus_sign=sign(f"L1|{signed_amount}"))) is Reason.ok
    assert verdict(adapter, post(body, x_lotus_sign=sign("L1|1250001"))) is Reason.bad_signature


def test_a_token_basic_authentication_and_a_bearer() -> None:
    secrets = 'fields = ["secret"]'
    basic = bank(
        (secrets, 'fields = ["user", "password"]'),
        (FROM, 'from = "header:authorization"\nprefix = "Basic "'),
        (HMAC, 'algorithm = "token"\nencoding = "base64"'),
        (TEXT, 'text = "{secret:user}:{secret:password}"'),
    )
    mapping = {"user": "school", "password": "mật khẩu"}
    right = "Basic " + base64.b64encode("school:mật khẩu".encode()).decode()
    assert verdict(basic, post("{}", authorization=right), [mapping]) is Reason.ok
    assert verdict(basic, post("{}", authorization=right.replace("Basic", "basic")), [mapping]) is Reason.ok
    assert verdict(basic, post("{}", authorization=right + "x"), [mapping]) is Reason.bad_signature
    assert verdict(basic, post("{}"), [mapping]) is Reason.no_credentials
    assert verdict(basic, post("{}", authorization=right), [{"user": "school"}]) is Reason.unconfigured


def test_two_proofs_must_both_be_right_where_the_connection_has_both_secrets() -> None:
    token = '[[signature]]\nfrom = "header:authorization"\nalgorithm = "token"\ntext = "{secret:token}"\n'
    adapter = bank(
        ('fields = ["secret"]', 'fields = ["secret", "token"]\nchoices = [["secret"], ["secret", "token"]]'),
        ("[signature]", f"{token}\n[[signature]]"),
    )
    both, request = {"secret": "k", "token": "t"}, signed()
    with_token = replace(request, headers={**request.headers, "authorization": "t"})
    assert verdict(adapter, with_token, [both]) is Reason.ok
    assert verdict(adapter, request, [both]) is Reason.no_credentials
    assert verdict(adapter, replace(with_token, body=b"{}"), [both]) is Reason.bad_signature
    assert verdict(adapter, request, [SECRET]) is Reason.ok
    assert verdict(adapter, with_token, [{"token": "t"}]) is Reason.ok


@pytest.mark.parametrize(
    "stamp", ["1790039730", "1790039730000", "20260922081530", "20260922081530123", "2026-09-22T08:15:30+07:00"]
)
def test_a_signed_time_has_a_window_in_whatever_form_it_is_written(stamp: str) -> None:
    adapter = bank((TEXT, f'{TEXT}\ntime = "header:x-lotus-time"\nwindow_s = 60'))
    request = signed(stamp=stamp)
    assert verdict(adapter, request, now=1790039790) is Reason.ok
    assert verdict(adapter, request, now=1790039791) is Reason.stale
    assert verdict(adapter, request, now=datetime(2026, 9, 22, 1, 14, 29, tzinfo=UTC)) is Reason.stale
    assert verdict(adapter, signed(stamp="yesterday")) is Reason.malformed


def test_messages_in_forms_queries_and_base64() -> None:
    inner = base64.b64encode(compact(PAID).encode()).decode()
    checks = {"data": inner, "sign": sign(inner)}
    rule = (TEXT, 'text = "{message}"')
    form = bank(('from = "body"', 'from = "form:data"\nencoding = "base64"'), (FROM, 'from = "form:sign"'), rule)
    request = post(urlencode(checks))
    assert verdict(form, request) is Reason.ok
    assert form.parse(request, [SECRET])[0].amount_vnd == 1_250_000
    query = bank(('from = "body"', 'from = "query:data"\nencoding = "base64"'), (FROM, 'from = "query:sign"'), rule)
    request = Request("GET", "", urlencode(checks), {}, b"")
    assert verdict(query, request) is Reason.ok
    assert query.parse(request, [SECRET])[0].amount_vnd == 1_250_000
    fields = bank(('from = "body"', 'from = "form"'), (FROM, 'from = "form:sign"'), (TEXT, 'text = "{pairs}"'))
    text = "ma_gd=L1&noi_dung=a b&so_tien=7&thoi_gian=20260922081530"
    pairs = dict(one.split("=") for one in text.split("&"))
    request = post(urlencode({**pairs, "sign": sign(text)}))
    assert verdict(fields, request) is Reason.bad_signature  # the signature itself stands among the pairs of a form
    excluded = bank(('from = "body"', 'from = "form"'), (FROM, 'from = "sign"'), (TEXT, 'text = "{pairs}"'))
    assert verdict(excluded, request) is Reason.ok
    assert excluded.parse(request, [SECRET])[0].amount_vnd == 7


def test_a_batch_reads_every_item_and_shares_what_stands_above_them() -> None:
    adapter = bank(
        ('[message]\nfrom = "body"', '[message]\nfrom = "body"\nlist = "data.items"'),
        ('account_number = "tai_khoan"', 'account_number = "top:data.account"'),
    )
    items = [{**PAID, "ma_gd": name} for name in ("L1", "L2")]
    found = adapter.parse(signed({"data": {"account": "0123499999", "items": items}}), [SECRET])
    assert [(one.dedup_key, one.account_number) for one in found] == [("L1", "0123499999"), ("L2", "0123499999")]
    assert adapter.BATCH
    assert adapter.parse(signed({"data": {"items": []}}), [SECRET]) == []
    for broken in ({"data": {"items": {}}}, {"data": {"items": [1]}}, {}):
        with pytest.raises(MalformedCallbackError):
            adapter.parse(signed(broken), [SECRET])


@pytest.mark.parametrize(
    ("written", "value", "amount_vnd"),
    [
        ("dong", "1250000", 1_250_000),
        ("dong", 1250000.0, 1_250_000),
        ("hundredths", 125000000, 1_250_000),
        ("grouped", "1.250.000", 1_250_000),
        ("grouped", "1,250,000", 1_250_000),
        ("grouped", "500", 500),
    ],
)
def test_ways_to_write_an_amount(written: str, value: Any, amount_vnd: int) -> None:
    adapter = bank((AMOUNT, f'{AMOUNT}\namount_written = "{written}"'))
    assert read(adapter, so_tien=value).amount_vnd == amount_vnd


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("dong", "1.250.000"),
        ("dong", -5),
        ("dong", 0),
        ("dong", "1e6"),
        ("dong", 0.5),
        ("dong", None),
        ("dong", True),
        ("hundredths", 125),
        ("hundredths", 99),
        ("grouped", "1.25"),
        ("grouped", "1.250,000"),
        ("grouped", "1.250.00"),
        ("grouped", "1250.000"),
        ("dong", {"vnd": 1}),
    ],
)
def test_amounts_that_have_no_single_meaning_are_refused(written: str, value: Any) -> None:
    adapter = bank((AMOUNT, f'{AMOUNT}\namount_written = "{written}"'))
    with pytest.raises(MalformedCallbackError):
        read(adapter, so_tien=value)


def test_the_direction_is_told_by_a_code_or_by_the_sign_and_never_guessed() -> None:
    codes = bank(('direction = "credit"\n', 'direction = { from = "loai", credit = ["C", "+"], debit = ["D"] }\n'))
    assert read(codes, loai="c").direction is Direction.credit
    assert read(codes, loai="D").direction is Direction.debit
    for unknown in ("X", None):
        with pytest.raises(MalformedCallbackError, match="loai"):
            read(codes, loai=unknown)
    by_sign = bank(('direction = "credit"', 'direction = "sign"'))
    assert (read(by_sign, so_tien=-7).direction, read(by_sign, so_tien=-7).amount_vnd) == (Direction.debit, 7)
    assert read(by_sign, so_tien=7).direction is Direction.credit


def test_the_first_status_that_is_not_settled_counts() -> None:
    rules = """
[[transaction.status]]
from = "tt"
settled = ["1", ""]
test = ["T"]
otherwise = "failed"
[[transaction.status]]
from = "huy"
void = ["true"]
otherwise = "settled"
"""
    adapter = bank(("[answers]", f"{rules}\n[answers]"))
    assert read(adapter).status is Status.settled
    assert read(adapter, tt=1).status is Status.settled
    assert read(adapter, tt=2).status is Status.failed
    assert read(adapter, tt="t").status is Status.test
    assert read(adapter, huy=True).status is Status.void
    assert read(adapter, tt=2, huy=True).status is Status.failed


@pytest.mark.parametrize(
    ("written", "value"),
    [("dd/MM/yyyy HH:mm:ss", "22/09/2026 08:15:30"), ("HHmmss ddMMyyyy", "081530 22092026"), ("", "20260922081530")],
)
def test_moments_in_the_sender_s_own_order(written: str, value: str) -> None:
    rule = f'{WHEN}\noccurred_at_written = "{written}"' if written else WHEN
    adapter = bank((WHEN, rule))
    assert read(adapter, thoi_gian=value).occurred_at.isoformat() == "2026-09-22T08:15:30+07:00"
    for bad in ("31/02/2026 08:15:30", "22/09/0026 08:15:30", "soon"):
        with pytest.raises(MalformedCallbackError, match="thoi_gian"):
            read(adapter, thoi_gian=bad)


def test_without_a_moment_that_of_receipt_counts_where_the_file_says_so() -> None:
    at = datetime(2026, 9, 22, 1, 0, tzinfo=UTC)
    request = replace(signed({**PAID, "thoi_gian": None}), received_at=at)
    assert bank().parse(request, [SECRET])[0].occurred_at == at
    with pytest.raises(MalformedCallbackError, match="thoi_gian"):
        bank((WHEN, 'occurred_at = "thoi_gian"')).parse(request, [SECRET])


def test_a_key_of_several_fields_cannot_be_cut_otherwise() -> None:
    adapter = bank(('key = "ma_gd"\n', 'key = ["ma_gd", "don"]\n'))
    assert read(adapter, ma_gd="a:b", don="c").dedup_key != read(adapter, ma_gd="a", don="b:c").dedup_key
    with pytest.raises(MalformedCallbackError, match="don"):
        read(adapter)


def test_messages_about_something_else_give_no_transaction() -> None:
    adapter = bank(
        ('[message]\nfrom = "body"', '[message]\nfrom = "body"\nonly = [{ from = "tin", values = ["GD", ""] }]')
    )
    assert adapter.parse(signed({"tin": "PING"}), [SECRET]) == []
    assert read(adapter, tin="GD").dedup_key == read(adapter).dedup_key == "L1"


def test_other_currencies_are_refused() -> None:
    adapter = bank((AMOUNT, f'{AMOUNT}\ncurrency = "tien_te"'))
    assert read(adapter, tien_te="VND").amount_vnd == 1_250_000
    with pytest.raises(MalformedCallbackError, match="currency"):
        read(adapter, tien_te="USD")


def test_answers_of_other_outcomes_and_texts() -> None:
    answers = """
[answers]
accepted = { status = 200, body = "OK {field:ma_gd}" }
duplicate = { status = 200, body = "DA NHAN" }
bad_signature = { status = 403 }
stale = { status = 408 }
malformed = { status = 400 }
internal = { status = 500 }
"""
    adapter, request = bank((ANSWERS, answers)), signed()

    def told(*outcomes: Outcome) -> tuple[int, bytes]:
        answer = adapter.acknowledge(request, outcomes, [SECRET], NOW)
        return answer.status, answer.body

    assert told(Outcome.accepted) == told(Outcome.foreign_account) == (200, b"OK L1")
    assert told(Outcome.duplicate) == (200, b"DA NHAN")
    assert told(Outcome.stale) == (408, b"")
    assert told(Outcome.accepted, Outcome.internal) == (500, b"")
    assert adapter.acknowledge(post("?"), [Outcome.accepted], [SECRET], NOW).body == b"OK "


def test_paths_below_the_address_are_named() -> None:
    adapter = bank(("[message]\n", '[message]\npaths = ["", "api/notify"]\n'))
    assert adapter.ROUTES == {"": "notify", "api/notify": "notify"}
    assert bank().ROUTES == {"": "notify"}


def test_the_whole_address_may_be_signed() -> None:
    adapter = bank((TEXT, 'text = "{method} {url} {body}"'))
    request = replace(signed(), url="https://hocphi.example/callbacks/x")
    text = f"POST https://hocphi.example/callbacks/x {compact(PAID)}"
    right = replace(request, headers={"x-lotus-sign": sign(text)})
    assert verdict(adapter, right) is Reason.ok
    assert verdict(adapter, replace(right, url="https://hocphi.example/callbacks/y")) is Reason.bad_signature


def test_the_file_that_the_docs_show_works_as_they_say() -> None:
    page = (Path(__file__).parents[3] / "docs/declarative-senders.md").read_text(encoding="utf-8")
    adapter = DeclarativeAdapter(page.split("```toml")[1].split("```")[0], "lotus.toml")
    document = {**PAID, "loai": "D", "thoi_gian": "22/09/2026 08:15:30"}
    request = signed(document)
    assert verdict(adapter, request) is Reason.ok
    assert verdict(adapter, request, now=NOW + 301) is Reason.stale
    (found,) = adapter.parse(request, [SECRET])
    assert (found.direction, found.status, found.amount_vnd) == (Direction.debit, Status.settled, 1_250_000)
    assert found.occurred_at.isoformat() == "2026-09-22T08:15:30+07:00"


def test_the_docs_name_every_word_of_the_language() -> None:
    page = (Path(__file__).parents[3] / "docs/declarative-senders.md").read_text(encoding="utf-8")
    words = {*signing.ALGORITHMS, *signing.ENCODINGS, *transactions.NAMES, *templates.WORDS}
    assert [word for word in sorted(words) if word not in page] == []
