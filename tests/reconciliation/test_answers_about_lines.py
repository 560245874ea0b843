"""What a person said of a line in doubt holds: for that line alone, and for every later file that words it so."""

import pytest

from payments.errors import DomainError
from reconciliation import statement_import
from reconciliation.doubts import Answer, SameLines
from tests.reconciliation.desk import line
from tests.reconciliation.test_doubts import bare

KNOWN, NEW = Answer(SameLines.KNOWN), Answer(SameLines.NEW)


def told_and_answered(desk, answer=KNOWN) -> bytes:
    """A line, and a file that words it otherwise, of which a person has said what it is; returns that file."""
    desk.bring(bare(desk.number, line(100_000, "NGUYEN VAN MAU", "FT25253000017")))
    otherwise = bare(desk.number, line(100_000, "MBVCB MAU NOP"))
    desk.bring(otherwise, answer=answer)
    return otherwise


@pytest.mark.parametrize("answer", [KNOWN, NEW])
def test_nobody_is_asked_twice_of_one_line(desk, answer):
    otherwise = told_and_answered(desk, answer)
    lines = desk.count("bank_line")
    report = desk.bring(otherwise)
    assert (report.doubts, report.new_lines, desk.count("bank_line")) == ((), 0, lines)


def test_a_longer_export_after_the_answer_brings_what_is_new_and_asks_nothing(desk):
    told_and_answered(desk)
    more = bare(desk.number, line(100_000, "MBVCB MAU NOP"), line(100_000, "MBVCB KHAC NOP"))
    report = desk.bring(more)
    desk.settle()
    assert (report.doubts, report.new_lines, desk.count("bank_transaction")) == ((), 1, 2)


def test_a_second_equal_line_of_the_other_wording_is_a_second_payment(desk):
    told_and_answered(desk)
    assert desk.bring(bare(desk.number, *[line(100_000, "MBVCB MAU NOP")] * 2)).new_lines == 1


def test_of_several_lines_some_are_known_and_others_new(desk):
    desk.bring(bare(desk.number, *(line(100_000, name, f"FT2525300001{n}") for n, name in enumerate("abc"))))
    otherwise = bare(desk.number, *(line(100_000, f"{name} nop") for name in "abd"))
    doubts = desk.bring(otherwise, dry_run=True).doubts
    [place] = [doubt.place for doubt in doubts if doubt.description == "d nop"]
    report = desk.bring(otherwise, answer=Answer(SameLines.KNOWN, frozenset({place})))
    desk.settle()
    assert (len(doubts), report.new_lines, desk.count("bank_transaction")) == (3, 1, 4)
    assert desk.bring(otherwise).doubts == ()


def test_an_answer_about_a_line_that_is_in_no_doubt_is_refused(desk):
    desk.bring(bare(desk.number, line(100_000, "a")))
    with pytest.raises(DomainError, match="no_such_line") as refused:
        desk.bring(bare(desk.number, line(100_000, "b")), answer=Answer(SameLines.KNOWN, frozenset({"dòng 9"})))
    assert "dòng 9" in refused.value.vi
    assert desk.count("bank_line") == 1


@pytest.mark.parametrize(("answer", "new"), [(KNOWN, 0), (NEW, 1)])
def test_a_file_that_tells_the_known_line_and_the_other_wording_asks_anew(desk, answer, new):
    """One export with both: they were two payments after all, or the export tells one twice."""
    told_and_answered(desk)
    both = bare(desk.number, line(100_000, "NGUYEN VAN MAU", "FT25253000017"), line(100_000, "MBVCB MAU NOP"))
    [doubt] = desk.bring(both, dry_run=True).doubts
    assert (doubt.description, doubt.known_reference) == ("MBVCB MAU NOP", "FT25253000017")
    assert desk.bring(both, answer=answer).new_lines == new
    if answer is NEW:
        assert desk.bring(both).doubts == (), "it stands under its own key now"


def test_two_wordings_of_one_known_line_in_one_file_ask_anew(desk):
    """Each was said to be the known line; together they are two."""
    told_and_answered(desk)
    desk.bring(bare(desk.number, line(100_000, "IBFT MAU")), answer=KNOWN)
    both = bare(desk.number, line(100_000, "MBVCB MAU NOP"), line(100_000, "IBFT MAU"))
    [doubt] = desk.bring(both, dry_run=True).doubts
    assert doubt.description in {"MBVCB MAU NOP", "IBFT MAU"}
    with pytest.raises(DomainError, match="same_lines"):
        desk.bring(both)
    assert desk.count("bank_line") == 1


def test_an_answer_is_never_changed_or_removed(desk):
    told_and_answered(desk)
    for statement in ("UPDATE bank_line_alias SET line_key = natural_key", "DELETE FROM bank_line_alias"):
        with pytest.raises(Exception, match="append-only"):
            desk.rows(f"{statement} RETURNING 1")


def test_without_its_memory_everything_would_be_asked_again(desk, monkeypatch):
    monkeypatch.setattr(statement_import, "keep_aliases", lambda *_: None)
    otherwise = told_and_answered(desk)
    with pytest.raises(DomainError, match="same_lines"):
        desk.bring(otherwise)
