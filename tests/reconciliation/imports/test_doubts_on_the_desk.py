"""Lines that may be known ones: the page shows both, nothing is written without an answer, and the answer is heard."""

import pytest

from reconciliation import service
from reconciliation.doubts import Answer, SameLines
from reconciliation.imports import work
from reconciliation.imports.models import ImportJob, JobState
from reconciliation.imports.service import read_again
from tests.reconciliation.desk import line
from tests.reconciliation.test_doubts import bare


@pytest.fixture
def in_doubt(hall):
    """A job whose two lines may be one that is known, and a new one."""
    hall.faces.log_in("accountant")
    hall.bring("statement", bare(hall.number, line(100_000, "NGUYEN VAN MAU nop", None)), "mot.xml")
    job_id = hall.send(
        "statement", bare(hall.number, line(100_000, "MAU NOP TIEN", None), line(7_000, "moi")), "hai.xml"
    )
    hall.work()
    return job_id


def test_the_page_shows_both_lines_and_writes_nothing_without_an_answer(hall, in_doubt):
    page = hall.page(in_doubt)
    for words in ("Dòng có thể đã nhập", "NGUYEN VAN MAU nop", "MAU NOP TIEN", "Stmt[1]/Ntry[1]", "required"):
        assert words in page
    assert "Lines that may be known" in hall.page(in_doubt, language="en")
    assert hall.press(in_doubt, "write") == 422
    hall.work()
    assert (hall.job(in_doubt).state, hall.count("bank_line")) == (JobState.READY, 1)


@pytest.mark.parametrize(("said", "lines"), [(SameLines.KNOWN, 2), (SameLines.NEW, 3)])
def test_the_answer_is_heard_kept_and_audited(hall, in_doubt, said, lines):
    assert hall.press(in_doubt, "write", same_lines=said.value) == 303
    hall.work()
    job = hall.job(in_doubt)
    assert (job.state, job.same_lines, hall.count("bank_line")) == (JobState.DONE, said, lines)
    assert (job.report["new_lines"], job.report["doubts_count"], "doubts" in job.report) == (lines - 1, 1, False)
    [(detail,)] = hall.rows(
        f"SELECT detail FROM audit_event WHERE action = 'import.confirmed' AND subject_id = {job.id}"
    )
    assert (detail["in_doubt"], detail["same_lines"]) == (1, said.value)
    page = hall.page(in_doubt)
    assert ("không ghi thêm" in page, "giao dịch khác (ghi thêm)" in page) == (said == "known", said == "new")


def test_one_line_is_taken_out_of_what_is_said_of_all(hall, in_doubt):
    assert 'name="except_line" value="Stmt[1]/Ntry[1]"' in hall.page(in_doubt)
    answer = {"same_lines": "known", "except_line": "Stmt[1]/Ntry[1]"}
    assert hall.press(in_doubt, "write", **answer | {"except_line": "Stmt[1]/Ntry[2]"}) == 422, "it was not asked"
    assert hall.press(in_doubt, "write", **answer) == 303
    hall.work()
    job = hall.job(in_doubt)
    assert (job.other_lines, hall.count("bank_line")) == (["Stmt[1]/Ntry[1]"], 3)
    assert "trừ Stmt[1]/Ntry[1]" in hall.page(in_doubt)


def test_what_was_said_of_other_doubts_is_asked_again(hall, in_doubt):
    """Between the answer and the writing another file came: what is in doubt now was never shown."""
    assert hall.press(in_doubt, "write", same_lines="new") == 303
    row = hall.claim()
    with hall.sessions() as session:
        data = bare(hall.number, line(7_000, "khac", None))
        service.import_statement(session, hall.school.id, hall.school.account, data, "ba.xml")
    work.work_on(hall.sessions, hall.cipher, row)
    job = hall.job(in_doubt)
    assert (job.state, job.same_lines, job.report["doubts_count"], job.report["changed"]) == (
        JobState.READY,
        None,
        2,
        True,
    )
    assert hall.count("bank_line") == 2


def test_an_exception_to_an_older_answer_is_asked_again_and_refuses_nothing(hall, in_doubt):
    """What was taken out of the answer is in doubt no more when it is written: the file waits, it is not lost."""
    answer = {"same_lines": "known", "except_line": "Stmt[1]/Ntry[1]"}
    assert hall.press(in_doubt, "write", **answer) == 303
    row = hall.claim()
    with hall.sessions() as session:
        data = bare(hall.number, line(100_000, "MAU NOP TIEN", None))
        answered = Answer(SameLines.NEW)
        service.import_statement(session, hall.school.id, hall.school.account, data, "ba.xml", answer=answered)
    work.work_on(hall.sessions, hall.cipher, row)
    job = hall.job(in_doubt)
    assert (job.state, job.answer, job.report["doubts_count"]) == (JobState.READY, None, 0)


def test_an_answer_on_an_old_page_is_no_answer(hall, in_doubt):
    """A second tab still shows the first reading: what is in doubt now was never seen there."""
    old = hall.shown(in_doubt)
    test_what_was_said_of_other_doubts_is_asked_again(hall, in_doubt)
    for shown in (old, ""):
        assert hall.press(in_doubt, "write", same_lines="new", shown=shown) == 409
    assert hall.job(in_doubt).state is JobState.READY
    assert hall.press(in_doubt, "write", same_lines="new") == 303


def test_a_file_that_is_read_again_is_asked_about_again(hall, in_doubt):
    """An answer whose writing was refused does not stand on the page of another reading."""
    with hall.sessions() as session:
        job = session.get_one(ImportJob, (hall.school.id, in_doubt))
        job.state, job.same_lines = JobState.REFUSED, SameLines.KNOWN
    with hall.sessions() as session:
        read_again(session, hall.school.id, in_doubt)
    hall.work()
    job = hall.job(in_doubt)
    assert (job.state, job.same_lines, job.report["new_lines"]) == (JobState.READY, None, 2)
    assert "Đã chọn" not in hall.page(in_doubt)


def test_without_the_accountants_right_nobody_answers(hall, in_doubt):
    shown = hall.shown(in_doubt)
    assert hall.press(in_doubt, "write", same_lines="both", shown=shown) == 422, "a forged word is no answer"
    hall.faces.log_in("principal")
    assert "same_lines" not in hall.page(in_doubt)
    assert hall.press(in_doubt, "write", same_lines="new", shown=shown) == 404
    assert hall.job(in_doubt).state is JobState.READY


def test_a_file_without_doubt_asks_nothing(hall):
    hall.faces.log_in("accountant")
    job_id = hall.send("statement", bare(hall.number, line(5_000, "a")))
    hall.work()
    assert "same_lines" not in hall.page(job_id)
