"""Lines become invoices: one account each, one item each where the school wants it so, nothing for nothing."""

from dataclasses import replace

import pytest

from payments.invoices.rules import Draft, DraftLine, Sheet, draft_sheets, fingerprint

MEALS = DraftLine(1, 10, "AN", "Tiền ăn: 22 ngày × 30.000", "agency", True, 22, 30_000, 0, 660_000, "NQ 1")
EXEMPT = DraftLine(1, 11, "CSBT", "Chăm sóc: 1 tháng × 200.000", "service", True, 1, 200_000, 200_000, 0, "NQ 1")
INSURANCE = DraftLine(2, 12, "BHYT", "BHYT: 1 năm × 631.800", "agency", True, 1, 631_800, 0, 631_800, "Luật BHYT")
CLUB = DraftLine(1, 13, "KNS", "Kỹ năng sống: 4 tiết × 15.000", "service", False, 4, 15_000, 0, 60_000, "NQ 1")


def drafts(lines: list[DraftLine], grouping: str) -> dict[tuple[int, str], list[str]]:
    return {
        (sheet.receiving_account_id, sheet.group_key): [line.fee_code for line in sheet.lines]
        for sheet in draft_sheets(lines, grouping)
    }


def test_one_qr_is_one_receiving_account() -> None:
    found = drafts([MEALS, INSURANCE, CLUB], "per_account")
    assert found == {(1, ""): ["AN", "KNS"], (2, ""): ["BHYT"]}


def test_the_finest_way_is_one_invoice_for_each_item() -> None:
    found = drafts([MEALS, INSURANCE, CLUB], "per_fee_item")
    assert found == {(1, "AN"): ["AN"], (1, "KNS"): ["KNS"], (2, "BHYT"): ["BHYT"]}


def test_an_exempt_line_stands_beside_others_and_never_alone() -> None:
    assert drafts([MEALS, EXEMPT], "per_account") == {(1, ""): ["AN", "CSBT"]}
    assert drafts([EXEMPT], "per_account") == {}
    assert drafts([MEALS, EXEMPT], "per_fee_item") == {(1, "AN"): ["AN"]}


def test_only_mandatory_lines_are_a_debt() -> None:
    (sheet,) = draft_sheets([MEALS, CLUB], "per_account")
    assert (sheet.amount_vnd, sheet.mandatory_vnd) == (720_000, 660_000)


@pytest.mark.parametrize(
    "other",
    [
        Draft(8, Sheet(1, "", (MEALS,))),
        Draft(7, Sheet(2, "", (MEALS,))),
        Draft(7, Sheet(1, "AN", (MEALS,))),
        Draft(7, Sheet(1, "", (MEALS, EXEMPT))),
        Draft(7, Sheet(1, "", (replace(MEALS, quantity=21),))),
        Draft(7, Sheet(1, "", (replace(MEALS, mandatory=False),))),
        Draft(7, Sheet(1, "", (replace(MEALS, description="khác"),))),
        Draft(7, Sheet(1, "", (replace(MEALS, legal_basis="khác"),))),
    ],
)
def test_a_fingerprint_notices_every_change(other: Draft) -> None:
    draft = Draft(7, Sheet(1, "", (MEALS,)))
    assert fingerprint([draft]) == fingerprint([Draft(7, Sheet(1, "", (MEALS,)))]) != fingerprint([other])
    assert fingerprint([draft]) != fingerprint([draft, other])
