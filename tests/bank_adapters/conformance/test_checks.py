"""Every check of the kit passes what is right and catches an adapter that is wrong in the way it looks for."""

import hmac
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from bank_adapters import get_adapter
from bank_adapters.conformance import CHECKS, MEANINGS, AdapterConformance, Subject, check_adapter, samples_of
from bank_adapters.conformance.kit import run_check
from bank_adapters.contract import Request
from tests.bank_adapters import plug_ins
from tests.bank_adapters.golden_files import ADAPTERS

COMPARISON = 'signatures.any_same(given, keys, request.body, "sha256")'
HASH = 'signatures.hmac_hex(keys[0], request.body, "sha256")'
KEYS = 'keys = signatures.secret_values(secrets, "secret")'
FINISH = "return success_flag(outcomes)"
AMOUNT = 'direction, amount_vnd = fields.signed_amount_vnd(document, "amount")'
START = "    document = request.document\n"
FIRST = "    if not given:\n"
TIME = 'fields.moment(document, "time")'

FAULTS: dict[str, tuple[str, str, Mapping[str, str]]] = {
    "only the presence of a signature counts": ("forgery", "amount_vnd", {COMPARISON: "given"}),
    "the key of evidence comes from outside the signature": (
        "forgery",
        "dedup_key",
        {"dedup_key=txn_id": 'dedup_key=txn_id + request.header("content-type")'},
    ),
    "a header decides the account": (
        "forgery",
        "account_number",
        {'fields.optional_identifier(document, "account")': 'request.header("content-type")'},
    ),
    "only the newest key counts": ("keys", "second key", {KEYS: KEYS + "[:1]"}),
    "an empty key counts": (
        "keys",
        "unconfigured",
        {KEYS: 'keys = [mapping.get("secret", "") for mapping in secrets]'},
    ),
    "no key at all is needed": ("keys", "without a secret", {COMPARISON: "True", "if not keys": "if False"}),
    "a body that can be read is its own proof": ("keys", "another key", {COMPARISON: "request.document"}),
    "the clock counts where nobody signs it": (
        "clock",
        "the vector has none",
        {FIRST: '    if not signatures.fresh("0", now).valid:\n        return signatures.fresh("0", now)\n' + FIRST},
    ),
    "every delivery is another fact": ("replay", "second time", {"dedup_key=txn_id": "dedup_key=str(id(request))"}),
    "a repeated delivery is a conflict": (
        "replay",
        "not answered with success",
        {FINISH: "return Answer(409, {}, b'') if Outcome.duplicate in outcomes else success_flag(outcomes)"},
    ),
    "amounts are rounded": (
        "amounts",
        "amount",
        {AMOUNT: AMOUNT + '\n    amount_vnd = int(float(document["amount"]))'},
    ),
    "a minus is forgotten": (
        "amounts",
        "a minus",
        {AMOUNT: 'direction, amount_vnd = Direction.credit, fields.amount_vnd(\n'
            '        {"amount": str(document.get("amount")).lstrip("-")}, "amount"\n    )'},
    ),
    "moments are those of the server": (
        "time_zone",
        "another moment",
        {TIME: f"{TIME}.replace(tzinfo=None).astimezone()"},
    ),
    "moments have no zone": ("time_zone", "no zone", {TIME: f"{TIME}.replace(tzinfo=None)"}),
    "everybody hears success": ("answers", "like success", {FINISH: "return success_flag([])"}),
    "an outcome has no answer": (
        "answers",
        "KeyError",
        {FINISH: "return success_flag([{Outcome.accepted: Outcome.accepted}[one] for one in outcomes])"},
    ),
    "an unknown account is refused": (
        "answers",
        "though the money has moved",
        {FINISH: "return Answer(404, {}, b'') if Outcome.foreign_account in outcomes else success_flag(outcomes)"},
    ),
    "the answer is text": ("answers", "no Answer", {FINISH: "return Answer(200, {}, 'ok')"}),
    "the exception quotes the message": (
        "redaction",
        "exception",
        {
            START: START + '    if "time" not in document:\n'
            '        raise MalformedCallbackError("bad", "time", str(document))\n'
        },
    ),
    "the exception quotes by what caused it": (
        "redaction",
        "exception",
        {
            START: START + '    try:\n        int(str(document.get("content")))\n'
            '    except ValueError as error:\n        if "time" not in document:\n'
            '            raise MalformedCallbackError("bad_time", "time") from error\n'
        },
    ),
    "the expected signature is logged": (
        "redaction",
        "logged",
        {FIRST: f"    logging.getLogger(__name__).info({HASH})\n" + FIRST},
    ),
    "the message is printed": ("redaction", "printed", {START: START + "    print(document)\n"}),
    "the refusal shows the key": (
        "redaction",
        "refusal",
        {
            FINISH: "return Answer(401 if outcomes != [Outcome.accepted] else 200, {}, str(_SEEN).encode())",
            KEYS: KEYS + "\n    _SEEN.extend(keys)",
        },
    ),
    "the verdict explains itself": (
        "redaction",
        "no Reason",
        {"reason=Reason.bad_signature": f'reason=f"expected {{{HASH}}}"'.replace('"sha256"', "'sha256'")},
    ),
    "compared with ==": ("comparison", "line", {COMPARISON: f"given == {HASH}"}),
    "looked for in a list": ("comparison", "line", {COMPARISON: f"given in [{HASH}]"}),
    "compared by its beginning": ("comparison", "line", {COMPARISON: f"{HASH}.startswith(given[:64])"}),
    "compared in a helper": (
        "comparison",
        "line",
        {
            COMPARISON: f"_right(given, {HASH})",
            "def parse(": "def _right(one, other):\n    return one == other\n\n\ndef parse(",
        },
    ),
    "compared as a digest of the standard library": (
        "comparison",
        "line",
        {COMPARISON: 'given == __import__("hmac").new(keys[0].encode(), request.body, "sha256").hexdigest()'},
    ),
    "looked up in a table": (
        "comparison",
        "line",
        {COMPARISON: f"given in dict.fromkeys([{HASH}])"},
    ),
    "a missing field is an error of ours": (
        "fuzz",
        "KeyError",
        {'fields.identifier(document, "id")': 'document["id"]'},
    ),
    "a text that no database takes": (
        "fuzz",
        "no bank can report",
        {'fields.free_text(document, "content")': 'request.header("x-memo") or "\\0"'},
    ),
    "the table is not filled in": ("interface", "Idempotency key", {"Idempotency key   `id`": "Key   `id`"}),
    "another contract": ("interface", "INTERFACE 2", {"INTERFACE: Final = 1": "INTERFACE: Final = 2"}),
}  # fmt: skip
IMPORTS = {
    "from collections.abc import Sequence\n": "import logging\nfrom collections.abc import Sequence\n",
    "    Answer,\n": "    Answer,\n    Direction,\n    MalformedCallbackError,\n",
    "\n\ndef authenticate": "\n_SEEN: list[str] = []\n\n\ndef authenticate",
}


def result(check: str, subject: Subject) -> Any:
    return run_check("mybank", subject, check)


@pytest.mark.parametrize("signature", ["hmac-sha256", "hmac-sha512", "token"])
def test_what_is_generated_passes_every_check(signature: str, tmp_path: Path) -> None:
    subject = plug_ins.subject(tmp_path, {}, signature)
    for check in check_adapter(subject.adapter, subject.vectors):
        assert check.passed is True, check


@pytest.mark.parametrize("fault", FAULTS)
def test_each_check_catches_what_it_looks_for(fault: str, tmp_path: Path) -> None:
    check, words, changes = FAULTS[fault]
    found = result(check, plug_ins.subject(tmp_path, {**IMPORTS, **changes}))
    assert found.passed is False, found
    assert words in found.detail


def test_a_token_that_signs_nothing_must_say_so(tmp_path: Path) -> None:
    silent = plug_ins.subject(tmp_path, {'UNSIGNED: Final = {"secret": EVERYTHING}\n': ""}, "token")
    assert "UNSIGNED" in result("forgery", silent).detail
    assert "unsigned by the scheme: everything" in result("forgery", plug_ins.subject(tmp_path, {}, "token")).detail


def test_a_field_given_twice_is_caught_where_nothing_else_would_show_it(tmp_path: Path) -> None:
    loose = {"document = request.document": "document = dict(json.loads(request.body, parse_int=str, parse_float=str))",
             "from collections.abc": "import json\nfrom collections.abc"}  # fmt: skip
    found = result("doubles", plug_ins.subject(tmp_path, loose, "token"))
    assert found.passed is False
    assert "given twice is read" in found.detail


def test_names_of_headers_with_a_case_are_caught(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Request, "__post_init__", lambda self: None)
    given = plug_ins.subject(tmp_path, {})
    for vector in given.vectors:
        headers = vector["request"]["headers"]
        vector["request"]["headers"] = {name.lower(): value for name, value in headers.items()}
    assert "regard to case" in result("headers", given).detail


def test_a_clock_that_is_not_looked_at_is_caught(tmp_path: Path) -> None:
    given = plug_ins.subject(tmp_path, {})
    vectors = [{**vector, "verify_at_unix": 1790039730} for vector in given.vectors]
    found = result("clock", Subject(given.adapter, vectors))
    assert "a day later" in found.detail
    assert "before it was sent" in found.detail


def test_fields_that_are_joined_without_a_separator_are_caught(tmp_path: Path) -> None:
    joined = '"".join(fields.free_text(request.document, name) for name in ("id", "account", "amount")).encode()'
    faulty = plug_ins.module(
        tmp_path,
        plug_ins.replaced(
            plug_ins.source(),
            {
                COMPARISON: COMPARISON.replace("request.body", "_joined(request)"),
                "def parse(": f"def _joined(request):\n    try:\n        return {joined}\n"
                "    except MalformedCallbackError:\n        return b''\n\n\ndef parse(",
                **IMPORTS,
                "BATCH: Final = False": 'BATCH: Final = False\nUNSIGNED = {"secret": frozenset({"occurred_at", '
                '"description", "bank_reference", "virtual_account", "direction"})}',
            },
        ),
    )
    body = plug_ins.samples()[0]["request"]["body"].replace("1250000", '"1250000"')
    signature = hmac.digest(b"test-only-secret", b"10020030000110022334451250000", "sha256").hex()
    vector = plug_ins.samples()[0] | {"request": {"headers": {"X-Signature": signature}, "body": body}}
    found = result("forgery", Subject(faulty, [vector]))
    assert "a character moved from account to amount" in found.detail
    assert result("replay", Subject(faulty, [vector])).passed is True


def test_a_vector_with_a_wrong_expectation_fails_the_first_check(tmp_path: Path) -> None:
    given = plug_ins.subject(tmp_path, {})
    wrong = [{**given.vectors[0], "normalized": {"amount": 1}}]
    assert check_adapter(given.adapter, wrong)[0].passed is False


def test_an_adapter_without_samples_fails(tmp_path: Path) -> None:
    checks = check_adapter(plug_ins.subject(tmp_path, {}).adapter, [])
    assert (checks[0].passed, checks[0].detail[:16]) == (False, "no sample to try")


def test_without_a_genuine_message_nothing_is_claimed(tmp_path: Path) -> None:
    given = plug_ins.subject(tmp_path, {})
    refused = [vector for vector in given.vectors if not vector["expect"]["valid"]]
    found = {check.check: check.passed for check in check_adapter(given.adapter, refused)}
    assert found["forgery"] is None
    assert found["fuzz"] is None


@pytest.mark.parametrize("name", ADAPTERS)
def test_every_adapter_of_ours_passes_every_check_on_its_samples(name: str) -> None:
    adapter = get_adapter(name)
    checks = check_adapter(adapter)
    assert [check.check for check in checks] == ["vectors", *CHECKS]
    assert [check for check in checks if check.passed is not True] == []


@pytest.mark.parametrize("module", ["signatures", "tokens"])
def test_the_helpers_compare_in_constant_time_too(module: str) -> None:
    from bank_adapters.conformance.comparing import unsafe_lines  # noqa: PLC0415 - one use

    tree = __import__("ast").parse((plug_ins.ROOT / "bank_adapters" / f"{module}.py").read_text(encoding="utf-8"))
    assert unsafe_lines(tree) == []


def test_every_check_has_a_meaning_for_people_and_a_test_for_authors() -> None:
    assert MEANINGS.keys() == {"vectors", *CHECKS}
    tests = [name for name in vars(AdapterConformance) if name.startswith("test_")]
    assert len(tests) == len(MEANINGS)


def test_an_author_s_test_fails_with_the_words_of_the_check(tmp_path: Path) -> None:
    class Faulty(AdapterConformance):
        adapter = plug_ins.module(tmp_path, plug_ins.source().replace(COMPARISON, "True"))
        samples = tmp_path / "samples"

    Faulty.samples.mkdir()
    for vector in plug_ins.samples():
        (Faulty.samples / f"{vector['id']}.json").write_text(__import__("json").dumps(vector), encoding="utf-8")
    with pytest.raises(AssertionError, match="still believed"):
        Faulty().test_no_forgery_is_believed()
    with pytest.raises(AssertionError, match="mybank-other-key"):
        Faulty().test_every_sample_gives_what_it_expects()
    Faulty().test_amounts_are_whole_dong()


def test_samples_are_found_beside_the_adapter() -> None:
    assert {vector["adapter"] for vector in samples_of(get_adapter("payos"))} == {"payos"}
    assert {vector["adapter"] for vector in samples_of(get_adapter("mb"))} == {"vietqr_vn"}
