"""What a camt statement states around its entries: account, period, pages, balances and totals."""

from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from typing import NamedTuple

from lxml import etree

from bank_adapters.statements.camt_values import (
    DIRECTIONS,
    Names,
    amount_of,
    bad_structure,
    child_at,
    child_of,
    day_of,
    dong_of,
    number_of,
    text_at,
    text_of,
)
from bank_adapters.statements.errors import StatementError


class Balance(NamedTuple):
    """One balance: its code (OPBD, CLBD, PRCD, ITBD, CLAV, …), negative when overdrawn."""

    code: str
    amount_vnd: int
    day: date | None


class Head(NamedTuple):
    """The facts of one statement but its entries."""

    account_number: str | None
    period: tuple[date | None, date | None]
    sequence: int | None
    page: int | None
    is_last_page: bool
    credits_vnd: int | None
    debits_vnd: int | None


def read_balance(element: etree._Element, names: Names, place: str) -> Balance | None:
    """Read a Bal; None for one that is no balance of the books, such as what is available.

    Raises StatementError for one that lacks its amount or sign.
    """
    code = text_at(element, names, "Tp", "CdOrPrtry", "Cd") or ""
    if code not in ("OPBD", "PRCD", "CLBD", "ITBD"):
        return None
    place = f"{place}/Bal[{code}]"
    found = [names.get(child.tag) for child in element]
    if any(found.count(name) > 1 for name in ("Amt", "CdtDbtInd", "Dt")):
        raise bad_structure(place, "một mục đứng hai lần", "something is stated twice")
    stated_amount = child_of(element, names, "Amt")
    direction = DIRECTIONS.get(text_at(element, names, "CdtDbtInd"))
    day = child_of(element, names, "Dt")
    amount_vnd = None
    if stated_amount is not None and not len(stated_amount):
        amount_vnd = amount_of((stated_amount.text, stated_amount.get("Ccy")), place, "Amt")
    if amount_vnd is None or direction is None:
        raise bad_structure(place, "số dư thiếu số tiền hoặc dấu", "a balance lacks its amount or sign")
    signed = amount_vnd if direction == "credit" else -amount_vnd
    stated = None if day is None else text_at(day, names, "Dt") or text_at(day, names, "DtTm")
    return Balance(code, signed, day_of(stated, place, "Dt") if stated else None)


def opening_and_closing(
    balances: Sequence[Balance], place: str, *, is_first: bool, is_last: bool
) -> tuple[Balance | None, Balance | None]:
    """Return the balances a page begins and ends with; only between pages are interim ones (ITBD) its own.

    Raises StatementError when one is stated twice and differently.
    """
    interim = [one for one in balances if one.code == "ITBD"]
    openings = [one for one in balances if one.code == "OPBD"] or [one for one in balances if one.code == "PRCD"]
    if not openings and not is_first:
        openings = interim[:1]
    closings = [one for one in balances if one.code == "CLBD"]
    if not closings and not is_last:
        closings = interim[-1:]
    return only(openings, place), only(closings, place)


def only(balances: Sequence[Balance], place: str) -> Balance | None:
    """Return the one balance that all agree on."""
    if len({one.amount_vnd for one in balances}) > 1:
        raise bad_structure(f"{place}/Bal[{balances[0].code}]", "hai số dư khác nhau", "two balances differ")
    return balances[-1] if balances else None


def read_head(found: Mapping[str, etree._Element], names: Names, place: str) -> Head:
    """Read the facts of a statement; raises StatementError for another currency or a malformed fact."""
    account = found.get("Acct")
    if text_at(account, names, "Ccy") not in (None, "VND"):
        raise StatementError(
            "bad_currency",
            f"{place}/Acct/Ccy",
            "Tài khoản của sao kê không phải tài khoản đồng Việt Nam.",
            "The statement's account is not in Vietnamese đồng.",
        )
    pagination = next((found[name] for name in ("StmtPgntn", "RptPgntn", "NtfctnPgntn") if name in found), None)
    sequence = text_of(found.get("ElctrncSeqNb")) or text_of(found.get("LglSeqNb"))
    return Head(
        account_number=text_at(account, names, "Id", "Othr", "Id") or text_at(account, names, "Id", "IBAN"),
        period=read_period(found.get("FrToDt"), names, f"{place}/FrToDt"),
        sequence=number_of(sequence, f"{place}/ElctrncSeqNb"),
        page=number_of(text_at(pagination, names, "PgNb"), f"{place}/StmtPgntn"),
        is_last_page=text_at(pagination, names, "LastPgInd") not in ("false", "0"),
        credits_vnd=read_total(found.get("TxsSummry"), names, "TtlCdtNtries", place),
        debits_vnd=read_total(found.get("TxsSummry"), names, "TtlDbtNtries", place),
    )


def read_period(element: etree._Element | None, names: Names, place: str) -> tuple[date | None, date | None]:
    """Return the days a statement covers; an end at midnight sharp belongs to the day before."""
    texts = {name: text_at(element, names, name) for name in ("FrDtTm", "FrDt", "ToDtTm", "ToDt")}
    begin, end = texts["FrDtTm"] or texts["FrDt"], texts["ToDtTm"] or texts["ToDt"]
    first = day_of(begin, place, "FrDtTm") if begin else None
    last = day_of(end, place, "ToDtTm") if end else None
    if first and last and first < last and (end or "")[10:19] == "T00:00:00":
        last -= timedelta(days=1)
    return first, last


def read_total(summary: etree._Element | None, names: Names, name: str, place: str) -> int | None:
    """Return a stated total in đồng."""
    text = text_of(child_at(summary, names, name, "Sum"))
    return None if text is None else dong_of(text, place, f"TxsSummry/{name}/Sum")
