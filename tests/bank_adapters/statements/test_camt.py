"""camt.053 as banks vary it: what must be read, what must be refused, what must be said."""

from datetime import date

import pytest

from bank_adapters.statements import safe_xml
from bank_adapters.statements.errors import StatementError
from bank_adapters.statements.proof import prove
from bank_adapters.statements.read import read_statement

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.02"


def balance(code: str, amount: str, day: str = "2025-10-06", mark: str = "CRDT", currency: str = "VND") -> str:
    return (
        f"<Bal><Tp><CdOrPrtry><Cd>{code}</Cd></CdOrPrtry></Tp><Amt Ccy='{currency}'>{amount}</Amt>"
        f"<CdtDbtInd>{mark}</CdtDbtInd><Dt><Dt>{day}</Dt></Dt></Bal>"
    )


def entry(amount: str = "1000", details: str = "", more: str = "", mark: str = "CRDT", status: str = "BOOK") -> str:
    return (
        f"<Ntry><Amt Ccy='VND'>{amount}</Amt><CdtDbtInd>{mark}</CdtDbtInd>{more}<Sts>{status}</Sts>"
        "<BookgDt><Dt>2025-10-06</Dt></BookgDt><ValDt><Dt>2025-10-05</Dt></ValDt>"
        f"<AcctSvcrRef>FT1</AcctSvcrRef><NtryDtls>{details}</NtryDtls></Ntry>"
    )


def detail(amount: str | None, text: str, mark: str = "", reference: str = "") -> str:
    stated = f"<AmtDtls><TxAmt><Amt Ccy='VND'>{amount}</Amt></TxAmt></AmtDtls>" if amount else ""
    own = f"<CdtDbtInd>{mark}</CdtDbtInd>" if mark else ""
    refs = f"<Refs><AcctSvcrRef>{reference}</AcctSvcrRef></Refs>" if reference else ""
    return f"<TxDtls>{refs}{stated}{own}<RmtInf><Ustrd>{text}</Ustrd></RmtInf></TxDtls>"


def message(
    *entries: str, opening: str = "0", closing: str = "1000", head: str = "", namespace: str = NAMESPACE
) -> bytes:
    return (
        f"<?xml version='1.0' encoding='UTF-8'?><Document xmlns='{namespace}'><BkToCstmrStmt><Stmt><Id>1</Id>{head}"
        "<Acct><Id><Othr><Id>0071001234567</Id></Othr></Id><Ccy>VND</Ccy></Acct>"
        f"{balance('OPBD', opening)}{balance('CLBD', closing)}{''.join(entries)}</Stmt></BkToCstmrStmt></Document>"
    ).encode()


def read_one(data: bytes):
    (statement,) = read_statement(data, "sao-ke.xml")
    return statement


def code_of(data: bytes) -> str:
    with pytest.raises(StatementError) as caught:
        read_statement(data, "sao-ke.xml")
    assert caught.value.vi
    return caught.value.code


def test_an_entry_keeps_its_days_reference_and_balances():
    statement = read_one(message(entry()))
    (line,) = statement.lines
    assert (line.booked_on, line.value_date) == (date(2025, 10, 6), date(2025, 10, 5))
    assert (line.amount_vnd, line.direction, line.bank_reference) == (1000, "credit", "FT1")
    assert (statement.opening_vnd, statement.closing_vnd, statement.account_number) == (0, 1000, "0071001234567")
    assert line.place == "Stmt[1]/Ntry[1]"


@pytest.mark.parametrize("version", ["02", "04", "08", "13"])
def test_every_version_of_the_message_is_read(version):
    namespace = f"urn:iso:std:iso:20022:tech:xsd:camt.053.001.{version}"
    assert len(read_one(message(entry(), namespace=namespace)).lines) == 1


def test_reports_and_notifications_keep_their_kind():
    data = message(entry(), namespace=NAMESPACE.replace("053", "054")).replace(b"Stmt>", b"Ntfctn>")
    assert read_one(data.replace(b"BkToCstmrNtfctn", b"BkToCstmrDbtCdtNtfctn")).format == "camt.054"


def test_transactions_that_add_up_become_lines_of_their_own():
    statement = read_one(message(entry("1000", detail("600", "a", reference="X1") + detail("400", "b"))))
    assert [(line.amount_vnd, line.bank_reference, line.description) for line in statement.lines] == [
        (600, "X1", "a"),
        (400, "FT1", "b"),
    ]
    assert prove(statement).ok


def test_a_debit_inside_a_credit_entry_goes_the_other_way():
    parts = detail("1200", "a", "CRDT") + detail("200", "phí", "DBIT")
    statement = read_one(message(entry("1000", parts)))
    assert [(line.amount_vnd, line.direction) for line in statement.lines] == [(1200, "credit"), (200, "debit")]
    assert prove(statement).ok


@pytest.mark.parametrize("parts", [detail("600", "a") + detail("500", "b"), detail("600", "a") + detail(None, "b")])
def test_transactions_that_do_not_add_up_leave_the_entry_whole_and_say_so(parts):
    statement = read_one(message(entry("1000", parts)))
    (line,) = statement.lines
    assert (line.amount_vnd, line.description) == (1000, "a b")
    assert [notice.code for notice in statement.notices] == ["details_differ"]


def test_transactions_without_amounts_leave_the_entry_whole():
    statement = read_one(message(entry("1000", detail(None, "a") + detail(None, "b"))))
    assert [line.amount_vnd for line in statement.lines] == [1000]
    assert statement.notices == ()


def test_a_reversal_keeps_the_direction_of_the_money():
    statement = read_one(message(entry(mark="DBIT", more="<RvslInd>true</RvslInd>"), opening="1000", closing="0"))
    assert (statement.lines[0].direction, statement.lines[0].reversal) == ("debit", True)
    assert prove(statement).ok


def test_an_entry_that_is_not_booked_is_passed_over_with_a_notice():
    statement = read_one(message(entry(), entry("7", status="PDNG")))
    assert [line.amount_vnd for line in statement.lines] == [1000]
    assert [notice.code for notice in statement.notices] == ["entry_not_booked"]


@pytest.mark.parametrize("zero", ["0", "0.00"])
def test_an_entry_of_zero_is_passed_over_with_a_notice(zero):
    statement = read_one(message(entry(zero), entry()))
    assert [line.amount_vnd for line in statement.lines] == [1000]
    [notice] = statement.notices
    assert (notice.code, notice.place) == ("row_without_movement", "Stmt[1]/Ntry[1]")


def test_a_message_in_utf_16_is_told_its_encoding_not_that_it_is_no_statement():
    assert code_of(message(entry()).decode().replace("UTF-8", "UTF-16").encode("utf-16")) == "bad_encoding"


def test_a_moment_is_a_day_in_viet_nam():
    moment = entry().replace("<Dt>2025-10-06</Dt>", "<DtTm>2025-10-05T17:00:00Z</DtTm>")
    assert read_one(message(moment)).lines[0].booked_on == date(2025, 10, 6)


def test_a_period_that_ends_at_midnight_ends_the_day_before():
    head = "<FrToDt><FrDtTm>2025-10-06T00:00:00</FrDtTm><ToDtTm>2025-10-07T00:00:00</ToDtTm></FrToDt>"
    statement = read_one(message(entry(), head=head))
    assert (statement.period_from, statement.period_to) == (date(2025, 10, 6), date(2025, 10, 6))


def test_stated_totals_are_part_of_the_proof():
    head = "<TxsSummry><TtlCdtNtries><Sum>999</Sum></TtlCdtNtries></TxsSummry>"
    proof = prove(read_one(message(entry(), head=head)))
    assert (proof.ok, proof.first_break.what) == (False, "credits")


def test_a_statement_without_balances_is_read_and_does_not_prove():
    data = message(entry()).replace(b"OPBD", b"ITAV").replace(b"CLBD", b"CLAV")
    statement = read_one(data)
    assert (statement.opening_vnd, statement.closing_vnd) == (None, None)
    assert not prove(statement).ok


def test_more_entries_than_one_record_may_hold_are_no_problem():
    assert len(read_one(message(*[entry("1")] * 9000, closing="9000")).lines) == 9000


@pytest.mark.parametrize(
    "amount", ["12..34", "1.5", "-5", "1e3", "1 000", "1,000", "", "NaN", "0x10", "１２", "12345678901234"]
)
def test_an_amount_that_is_not_whole_dong_refuses_the_file(amount):
    assert code_of(message(entry(amount))) in ("bad_amount", "bad_structure")


@pytest.mark.parametrize("amount", ["1000", "1000.0", "1000.00"])
def test_zero_fractions_are_whole_dong(amount):
    assert read_one(message(entry(amount))).lines[0].amount_vnd == 1000


@pytest.mark.parametrize(
    ("old", "new", "code"),
    [
        (
            "Ccy='VND'>1000</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts",
            "Ccy='USD'>1000</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts",
            "bad_currency",
        ),
        ("<Ccy>VND</Ccy>", "<Ccy>USD</Ccy>", "bad_currency"),
        ("<Sts>BOOK</Sts>", "", "bad_structure"),
        ("<CdtDbtInd>CRDT</CdtDbtInd><Sts>", "<CdtDbtInd>X</CdtDbtInd><Sts>", "bad_structure"),
        ("<Dt>2025-10-06</Dt></BookgDt>", "<Dt>2025-13-06</Dt></BookgDt>", "bad_date"),
        ("<Dt>2025-10-06</Dt></BookgDt>", "<Dt>06/10/2025</Dt></BookgDt>", "bad_date"),
        ("<Document", "<!DOCTYPE Document SYSTEM 'file:///etc/passwd'><Document", "doctype"),
        ("<Document", "<!DOCTYPE d [<!ENTITY a 'b'>]><Document", "doctype"),
        ("<AcctSvcrRef>FT1", "<AcctSvcrRef>&a;", "bad_xml"),
        ("UTF-8", "UTF-16", "bad_encoding"),
        ("UTF-8", "UTF-7", "bad_encoding"),
        ("</Document>", "", "bad_xml"),
        ("camt.053.001.02", "camt.053.001.99", "unknown_format"),
        ("<Stmt>", "<Stmt><Ntry><Ntry/></Ntry>", "bad_structure"),
        ("</Stmt>", balance("CLBD", "5") + "</Stmt>", "bad_structure"),
    ],
)
def test_what_breaks_the_rules_refuses_the_whole_file(old, new, code):
    data = message(entry()).decode()
    assert old in data
    assert code_of(data.replace(old, new, 1).encode()) == code


def test_a_message_without_statement_is_refused():
    data = f"<Document xmlns='{NAMESPACE}'><BkToCstmrStmt/></Document>".encode()
    assert code_of(data) == "bad_structure"


def test_billion_laughs_are_refused_before_any_is_told():
    laughs = "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10}'>" for n in range(1, 10))
    data = message(entry()).decode().replace("<Document", f"<!DOCTYPE d [<!ENTITY l0 'ha'>{laughs}]><Document", 1)
    assert code_of(data.encode()) == "doctype"


def test_a_file_cut_anywhere_is_refused():
    data = message(entry())
    for cut in range(len(data)):
        with pytest.raises(StatementError):
            read_statement(data[:cut], "sao-ke.xml")


def test_without_the_screen_a_document_type_would_reach_the_parser(monkeypatch):
    data = message(entry()).decode().replace("<Document", "<!DOCTYPE d [<!ENTITY a 'b'>]><Document", 1).encode()
    monkeypatch.setattr(safe_xml, "_FORBIDDEN", ())
    assert len(read_one(data).lines) == 1
