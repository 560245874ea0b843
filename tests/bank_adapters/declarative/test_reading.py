"""A data file is read strictly: what is unknown, missing or contradictory is named with file and place."""

import pytest

from bank_adapters.contract import BrokenAdapterError
from bank_adapters.declarative import DeclarativeAdapter, shipped, shipped_text
from tests.bank_adapters.declarative.makers import BANK, bank

HMAC = 'algorithm = "hmac-sha256"\nkey = "secret"'
TEXT = 'text = "{header:x-lotus-time}|{body}"'
KEY = 'key = "ma_gd"\n'
ACCEPTED = '{ status = 200, body = { ma = "00", so_tham_chieu = "{field:ma_gd}" } }'

FAULTS = [
    (("name = ", "name : "), "this is not TOML"),
    (('name = "lotus"', ""), "lotus.toml: 'name' is missing."),
    (("interface = 1", "interface = 2"), "interface: write a whole number from 1 to 1"),
    (("[about]", "[above]"), "'about' is missing"),
    (("retries = ", "retrys = "), r"\[about\]: 'retries' is missing"),
    (('retries = "none"', 'retries = "none"\nretry = "x"'), r"\[about\]: the key 'retry' is unknown. Did you mean"),
    (('fields = ["secret"]', "fields = []"), r"\[secrets\]: name at least one secret"),
    (('fields = ["secret"]', 'fields = ["secret", "more"]'), "'more' proves nothing"),
    (('fields = ["secret"]', 'fields = ["secret"]\nchoices = [["other"]]'), r"\[secrets\] choices"),
    (('fields = ["secret"]', 'fields = ["other"]'), "'secret' is not among the fields"),
    (('from = "body"', 'from = "cookie:x"'), r"\[message\] from: 'cookie:x' is no place"),
    (('from = "body"', 'from = "field:x"'), r"\[message\] from: write body"),
    (('from = "body"', 'from = "form"\nencoding = "base64"'), "form:FIELD"),
    (('from = "body"', 'from = "body"\nlists = "x"'), r"\[message\]: the key 'lists' is unknown. Did you mean 'list'"),
    (("hmac-sha256", "hmac-sha265"), r"\[signature\] algorithm: 'hmac-sha265' is not one of"),
    (("[signature]", "[signatures]"), r"\[signature\]: is missing|\[signature\] is missing"),
    ((HMAC, 'algorithm = "hmac-sha256"'), r"\[signature\] key: hmac-sha256 needs"),
    ((HMAC, 'algorithm = "sha256"\nkey = "secret"'), r"\[signature\] key: sha256 takes no key"),
    ((HMAC, 'algorithm = "sha256"'), r"\[signature\] text: without \{secret:…\}"),
    ((HMAC, 'algorithm = "token"'), r"\[signature\] text: without|\[signature\] text: a token"),
    ((HMAC, f'{HMAC}\nencoding = "octal"'), r"\[signature\] encoding"),
    ((TEXT, 'text = "{bodies}"'), r"\[signature\] text: \{bodies\} is unknown"),
    ((TEXT, 'text = "{body"'), "a brace is open"),
    ((TEXT, f"{TEXT}\nwindow_s = 60"), r"\[signature\] window_s: without time"),
    ((TEXT, f'{TEXT}\ntime = "header:x-other"'), r"\[signature\] time: this time is not in text"),
    ((TEXT, f'{TEXT}\ntime = "header:x-lotus-time"\nwindow_s = 0'), "from 1 to 3600"),
    ((TEXT, 'text = "{header:x-lotus-time}|{field:so_tien}"'), r"\[transaction\] key: 'ma_gd' is not in the signed"),
    ((TEXT, 'text = "{field:ma_gd}|{field:noi_dung}"'), r"\[transaction\] amount: 'so_tien' is not in the signed"),
    ((TEXT, 'text = "{field:ma_gd}{field:so_tien}"'), r"\[transaction\] key: the signed text joins values"),
    ((TEXT, 'text = "{values}"'), r"\[transaction\] key: the signed text joins values"),
    ((KEY, 'key = "header:x-id"\n'), r"\[transaction\] key: 'x-id' is not in the signed text"),
    ((KEY, ""), r"\[transaction\]: 'key' is missing"),
    ((KEY, "key = []\n"), r"\[transaction\] key: name a field"),
    (('amount = "so_tien"', "amount = 5"), r"\[transaction\] amount: write a text"),
    (('amount = "so_tien"', 'amount = "receipt"'), r"\[transaction\] amount: receipt is a moment"),
    (('amount = "so_tien"', 'amount = "a b"'), r"\[transaction\] amount: 'a b' is no place"),
    (('amount = "so_tien"', 'amount = "form:a#t"'), "is no place"),
    (('direction = "credit"', 'direction = "in"'), r"\[transaction\] direction: 'in' is not one of"),
    (
        ('direction = "credit"', 'direction = { from = "x", credit = ["C"], debit = ["c"] }'),
        r"\[transaction.direction\] debit: 'c' cannot mean both",
    ),
    (('direction = "credit"', 'direction = { from = "x" }'), r"\[transaction.direction\]: say which values"),
    (
        ('direction = "credit"', 'direction = "credit"\nstatus = { from = "x", settled = ["1"] }'),
        "'otherwise' is missing",
    ),
    (
        ('direction = "credit"', 'direction = "credit"\nstatus = { from = "x", settled = [1], otherwise = "failed" }'),
        r"\[transaction.status\] settled: .* a number stands in quotes",
    ),
    (('occurred_at = "', 'occurred_at_written = "soon"\noccurred_at = "'), "write it like dd/MM/yyyy"),
    (("internal = ", "interior = "), r"\[answers\]: 'internal' is missing"),
    ((ACCEPTED, "{ status = 302 }"), r"\[answers\] accepted: money that has moved"),
    ((ACCEPTED, "{ status = 200, body = 1.5 }"), r"\[answers.accepted\] body"),
    ((ACCEPTED, '{ status = 200, body = "{field:a b}" }'), r"\[answers.accepted\] body: 'a b' is no place"),
    (('{ status = 401, body = { ma = "97" } }', ACCEPTED), "this is the answer of success"),
    (("[answers]", "[answers]\nduplicate = { status = 409 }"), r"\[answers\] duplicate: money that has moved"),
]


@pytest.mark.parametrize(("change", "sentence"), FAULTS, ids=[fault for _, fault in FAULTS])
def test_each_fault_is_named_with_its_place(change: tuple[str, str], sentence: str) -> None:
    with pytest.raises(BrokenAdapterError, match=sentence) as caught:
        bank(change)
    assert str(caught.value).startswith("lotus.toml")


def test_a_batch_needs_a_key_of_its_own_for_each_item() -> None:
    with pytest.raises(BrokenAdapterError, match="one signed text for each payment"):
        bank(('from = "body"', 'from = "body"\nlist = "items"'), (KEY, 'key = "signed_text"\n'))


def test_a_header_joined_to_values_cannot_tell_a_retry_from_a_payment() -> None:
    with pytest.raises(BrokenAdapterError, match="would be a second payment"):
        bank((TEXT, 'text = "{header:x-lotus-time}{values}"'), (KEY, 'key = "signed_text"\n'))
    with pytest.raises(BrokenAdapterError, match="joins values"):
        bank(('from = "body"', 'from = "form"'), (TEXT, 'text = "{header:x-lotus-time}{body}"'))


def test_a_body_that_does_not_hold_the_message_does_not_sign_it() -> None:
    with pytest.raises(BrokenAdapterError, match="is not in the signed text"):
        bank(('from = "body"', 'from = "query:data"'))


@pytest.mark.parametrize("name", shipped())
def test_every_line_of_a_shipped_file_is_needed_or_chosen(name: str) -> None:
    """Whatever line is taken away, the file is refused or says something else: no line is idle."""
    text = shipped_text(name)
    whole = vars(DeclarativeAdapter(text, name))
    lines = text.splitlines()
    optional = {"retries", "window_s", "from"}
    for number, line in enumerate(lines):
        if not line.strip() or line.startswith(("#", "[")) or line.split(" ")[0] in optional:
            continue
        without = "\n".join(lines[:number] + lines[number + 1 :])
        try:
            left = vars(DeclarativeAdapter(without, name))
        except BrokenAdapterError:
            continue
        assert left != whole, line


def test_the_invented_sender_itself_has_no_fault() -> None:
    assert DeclarativeAdapter(BANK, "lotus.toml").NAME == "lotus"
