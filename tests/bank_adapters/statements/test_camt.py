"""camt.053 as banks vary it: what must be read, what must be refused, what must be said."""

from datetime import date

import pytest

from bank_adapters.statements import camt, safe_xml, xml_stream
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


def within_the_day(*entries: str, number: str = "052", code: str = "OPBD", **facts: str) -> bytes:
    tag, around = {"052": ("Rpt", "BkToCstmrAcctRpt"), "054": ("Ntfctn", "BkToCstmrDbtCdtNtfctn")}[number]
    data = message(*entries, namespace=NAMESPACE.replace("053", number), **facts).decode()
    return data.replace("BkToCstmrStmt", around).replace("Stmt>", f"{tag}>").replace("OPBD", code).encode()


@pytest.mark.parametrize(("number", "code"), [("052", "OPBD"), ("052", "ITBD"), ("054", "ITAV")])
def test_a_report_within_the_day_gives_lines_and_never_proves_a_day(number, code):
    statement = read_one(within_the_day(entry(), number=number, code=code))
    assert (statement.format, len(statement.lines)) == (f"camt.{number}", 1)
    assert (statement.opening_vnd, statement.closing_vnd) == (None, None)
    assert not prove(statement).ok
    assert [notice.code for notice in statement.notices] == ["proves_no_day"]


def test_if_a_report_counted_as_a_statement_it_would_prove_the_day(monkeypatch):
    monkeypatch.setattr(camt, "PROVING", "camt.052")
    assert prove(read_one(within_the_day(entry()))).ok


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


def page(number: int, is_last: str, balances: str, *entries: str) -> str:
    head = f"<ElctrncSeqNb>9</ElctrncSeqNb><StmtPgntn><PgNb>{number}</PgNb><LastPgInd>{is_last}</LastPgInd></StmtPgntn>"
    account = "<Acct><Id><Othr><Id>0071001234567</Id></Othr></Id><Ccy>VND</Ccy></Acct>"
    return f"<Stmt><Id>{number}</Id>{head}{account}{balances}{''.join(entries)}</Stmt>"


def paged(*pages: str) -> bytes:
    return f"<Document xmlns='{NAMESPACE}'><BkToCstmrStmt>{''.join(pages)}</BkToCstmrStmt></Document>".encode()


FIRST = page(1, "false", balance("OPBD", "0") + balance("ITBD", "1000"), entry())
MIDDLE = page(2, "false", balance("ITBD", "1000") + balance("ITBD", "2000"), entry())
LAST = page(3, "true", balance("ITBD", "2000") + balance("CLBD", "3000"), entry())


def test_pages_of_one_statement_are_one_statement():
    statement = read_one(paged(FIRST, MIDDLE, LAST))
    assert (statement.opening_vnd, statement.closing_vnd, statement.sequence) == (0, 3000, 9)
    assert [line.place for line in statement.lines] == [f"Stmt[{number}]/Ntry[1]" for number in (1, 2, 3)]
    assert prove(statement).ok


def test_pages_that_state_no_interim_balance_prove_together():
    first, last = (one.replace("ITBD", "CLAV") for one in (FIRST, LAST.replace("3000", "2000").replace(">3<", ">2<")))
    statement = read_one(paged(first, last))
    assert (len(statement.lines), prove(statement).ok) == (2, True)


@pytest.mark.parametrize("pages", [(FIRST,), (FIRST, MIDDLE), (MIDDLE, LAST), (FIRST, LAST), (LAST, FIRST)])
def test_pages_without_the_others_prove_nothing_and_say_so(pages):
    for statement in read_statement(paged(*pages), "sao-ke.xml"):
        assert not prove(statement).ok
        assert [notice.code for notice in statement.notices] == ["page_missing"]


def test_a_page_that_does_not_begin_where_the_last_one_ended_is_refused():
    wrong = MIDDLE.replace(balance("ITBD", "1000"), balance("ITBD", "999"))
    assert code_of(paged(FIRST, wrong, LAST)) == "bad_structure"


def test_a_wrong_balance_between_pages_names_the_line_before_it():
    wrong = FIRST.replace(">1000</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts", ">900</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts")
    broken = prove(read_one(paged(wrong, MIDDLE, LAST))).first_break
    assert (broken.place, broken.expected_vnd, broken.found_vnd) == ("Stmt[1]/Ntry[1]", 900, 1000)


def test_several_accounts_in_one_file_are_statements_of_their_own():
    other = message(entry("7"), closing="7").decode().partition("<Stmt>")[2].partition("</Stmt>")[0]
    data = message(entry()).decode().replace("</Stmt>", f"</Stmt><Stmt>{other.replace('0071001234567', '008')}</Stmt>")
    one, two = read_statement(data.encode(), "sao-ke.xml")
    assert [(each.account_number, len(each.lines)) for each in (one, two)] == [("0071001234567", 1), ("008", 1)]
    assert prove(one).ok
    assert prove(two).ok


def test_entries_in_several_currencies_refuse_the_file():
    assert code_of(message(entry(), entry().replace("VND", "USD"))) == "bad_currency"


@pytest.mark.parametrize("status", ["PDNG", "INFO", "FUTR"])
def test_only_booked_entries_count(status):
    later = entry("7").replace("<Sts>BOOK</Sts>", f"<Sts><Cd>{status}</Cd></Sts>")
    statement = read_one(message(entry(), later))
    assert ([line.amount_vnd for line in statement.lines], prove(statement).ok) == ([1000], True)


@pytest.mark.parametrize(("amount", "code"), [("12..34", "bad_amount"), ("-5", "bad_amount"), ("1.5", "bad_amount")])
def test_a_transaction_with_an_amount_that_is_not_whole_dong_refuses_the_file(amount, code):
    assert code_of(message(entry("1000", detail(amount, "a") + detail("400", "b")))) == code


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (
            "<Amt Ccy='VND'>1000</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts",
            "<Amt Ccy='VND'>1<x/>000</Amt><CdtDbtInd>CRDT</CdtDbtInd><Sts",
        ),
        ("<Sts>BOOK", "<Amt Ccy='VND'>9</Amt><Sts>BOOK"),
        ("<Sts>BOOK", "<CdtDbtInd>DBIT</CdtDbtInd><Sts>BOOK"),
        ("<Sts>BOOK", "<Sts>PDNG</Sts><Sts>BOOK"),
        ("<NtryDtls>", "<TxDtls/><NtryDtls>"),
        ("</Stmt>", "<X><Ntry/></X></Stmt>"),
        ("</Stmt>", "</Stmt><Ntry/>"),
        ("</Stmt>", "<X><Bal/></X></Stmt>"),
        ("<Acct>", "<Acct/><Acct>"),
    ],
)
def test_money_said_twice_or_out_of_place_refuses_the_file(old, new):
    data = message(entry()).decode()
    assert old in data
    assert code_of(data.replace(old, new, 1).encode()) == "bad_structure"


def test_comments_and_instructions_inside_a_text_change_nothing():
    data = message(entry()).decode().replace("<AcctSvcrRef>FT1", "<AcctSvcrRef><!-- x -->F<?y z?>T<![CDATA[1]]>")
    assert read_one(data.encode()).lines[0].bank_reference == "FT1"


def test_names_of_a_foreign_namespace_are_not_ours():
    data = message(entry()).decode().replace("<Sts>", "<y:Amt xmlns:y='urn:y' Ccy='VND'>9</y:Amt><Sts>")
    assert read_one(data.encode()).lines[0].amount_vnd == 1000


def test_a_batch_that_lists_less_than_it_says_is_noted():
    parts = "<Btch><NbOfTxs>3</NbOfTxs></Btch>" + detail("600", "a") + detail("400", "b")
    statement = read_one(message(entry("1000", parts)))
    assert [notice.code for notice in statement.notices] == ["batch_incomplete"]
    assert read_one(message(entry("1000", parts.replace(">3<", ">2<")))).notices == ()


def test_transactions_in_several_groups_are_one_entrys():
    parts = detail("600", "a") + "</NtryDtls><NtryDtls><Btch/></NtryDtls><NtryDtls>" + detail("400", "b")
    assert [line.description for line in read_one(message(entry("1000", parts))).lines] == ["a", "b"]


def test_each_line_keeps_its_source():
    one, two = read_one(message(entry("1000", detail("600", "a") + detail("400", "b")))).lines
    assert ("<Ustrd>a" in one.raw, "<Ustrd>b" in one.raw) == (True, False)
    assert ("<Ustrd>a" in two.raw, "<Ustrd>b" in two.raw) == (False, True)
    (only,) = read_one(message(entry("1000", detail("1000", "a")))).lines
    assert only.raw.count("<Ustrd>a</Ustrd>") == only.raw.count("<AcctSvcrRef>FT1") == 1


def test_what_stands_between_two_records_is_bounded(monkeypatch):
    data = message(entry()).decode().replace("<Stmt>", "<Stmt>" + "<a>b</a>" * 200_000).encode()
    assert code_of(data) == "too_large"
    monkeypatch.setattr(xml_stream, "MAX_UNREAD_BYTES", 2**40)
    assert len(read_one(data).lines) == 1


def test_the_tree_holds_one_record_at_a_time(monkeypatch):
    sizes = []
    drop = camt.drop_before

    def measured(element, parent):
        drop(element, parent)
        sizes.append(len(parent))

    monkeypatch.setattr(camt, "drop_before", measured)
    assert len(read_one(message(*[entry("1")] * 3000, closing="3000")).lines) == 3000
    assert max(sizes) < 500  # one record, and those that the parser has finished ahead of us
