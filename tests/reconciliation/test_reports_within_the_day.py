"""What a bank reports while the day lasts brings its lines once, and no night takes it for the day's statement."""

from operations.sample_files import write_camt053
from reconciliation import loading
from reconciliation.models import RunState
from tests.payments.settlement.bank import Bank
from tests.reconciliation.desk import line, statement


def report_of(desk, *lines) -> bytes:
    data = write_camt053([statement(desk.number, lines)]).decode()
    for old, new in (("camt.053", "camt.052"), ("BkToCstmrStmt", "BkToCstmrAcctRpt"), ("Stmt>", "Rpt>")):
        data = data.replace(old, new)
    return data.encode()


def test_a_report_settles_money_while_the_night_waits_for_the_statement(desk):
    one, two = desk.issue(100_000), desk.issue(200_000)
    early, late = line(100_000, one.reference, "FT25253000001"), line(200_000, two.reference, "FT25253000002")
    report = desk.bring(report_of(desk, early))
    assert (report.new_lines, report.statements[0].proved) == (1, False)
    assert desk.night().state is RunState.WAITING_STATEMENT
    assert Bank.state(desk, one) == ("paid", 100_000)
    assert desk.bring(write_camt053([statement(desk.number, [early, late])])).new_lines == 1
    run = desk.night()
    assert (run.state, run.exceptions) == (RunState.PROVED, {"missing_gateway": 2})


def test_a_statement_that_came_first_stays_proved(desk):
    early = line(100_000, "x", "FT25253000001")
    desk.state(early)
    assert desk.bring(report_of(desk, early)).new_lines == 0
    assert desk.night().state is RunState.PROVED


def test_if_a_report_counted_as_a_statement_the_day_would_fail(desk, monkeypatch):
    text = str(loading.STATEMENTS).replace("NOT IN ('camt.052', 'camt.054', 'mt942')", "<> ''")
    monkeypatch.setattr(loading, "STATEMENTS", loading.text(text))
    desk.bring(report_of(desk, line(100_000, "x", "FT25253000001")))
    assert desk.night().state is RunState.FAILED
