"""One person at the desk of a school, over HTTP, with the numbers of the first page held against the database."""

import re

from flask.testing import FlaskClient
from sqlalchemy import text

from operations.demo.founding import Login
from payments import clock
from tests.school_month import SchoolMonth

CARDS = {
    "khoản tiền chưa xác định": "SELECT count(*) FROM bank_transaction WHERE state = 'unmatched'",
    "báo có cần bạn quyết định": "SELECT count(*) FROM held_evidence",
    "báo có lệch số tiền, cần hỏi ngân hàng": "SELECT count(*) FROM evidence WHERE conflicting",
    "đề nghị hoàn trả chờ hiệu trưởng duyệt": "SELECT count(*) FROM refund WHERE state = 'proposed'",
    "ngoại lệ đối soát chưa xong": "SELECT count(*) FROM reconcile_exception WHERE state <> 'resolved'",
    "ngoại lệ giao cho bạn": "SELECT count(*) FROM reconcile_exception WHERE state <> 'resolved' AND assignee_id = :me",
    "ngoại lệ quá hạn xử lý": "SELECT count(*) FROM reconcile_exception WHERE state <> 'resolved' AND due_on < :today",
    "đề nghị xử lý ngoại lệ chờ người thứ hai": "SELECT count(*) FROM reconcile_exception WHERE state = 'proposed'",
    "tệp chờ bạn bấm «Ghi»": "SELECT count(*) FROM import_job WHERE state = 'ready'",
    "thông báo thu nộp thiếu": """
        SELECT count(*) FROM invoice_balance b JOIN invoice i ON i.school_id = b.school_id AND i.id = b.invoice_id
        WHERE b.paid_vnd > 0 AND b.paid_vnd < i.mandatory_vnd""",
    "thông báo thu quá hạn": """
        SELECT count(*) FROM invoice_balance b JOIN invoice i ON i.school_id = b.school_id AND i.id = b.invoice_id
        WHERE b.state IN ('open', 'partial') AND b.paid_vnd < i.mandatory_vnd AND i.due_on < :today""",
}
"""Words of a card on the first page -> what it counts; a voluntary line that nobody paid is no debt (ADR 0022)."""


class Desk:
    """One person at the desk of the school."""

    def __init__(self, month: SchoolMonth, who: Login) -> None:
        self.client: FlaskClient = month.app.test_client()
        self.engine, self.who, self.code = month.engine, who, month.school.size.code
        self._token = ""
        self.page("/login", whole=True)
        self.post("/login", whole=True, username=who.username, password=who.password)

    def page(self, path: str, *, whole: bool = False) -> str:
        answer = self.client.get(path if whole else f"/console/{self.code}/{path}")
        assert answer.status_code == 200, (path, answer.status_code, answer.text[:600])
        found = re.search(r'name="csrf_token" value="([^"]+)"', answer.text)
        self._token = found[1] if found else self._token
        return answer.text

    def post(self, path: str, *, whole: bool = False, wanted: int = 303, **form: object) -> str:
        address = path if whole else f"/console/{self.code}/{path}"
        answer = self.client.post(address, data={"csrf_token": self._token, **form})
        assert answer.status_code == wanted, (
            path,
            answer.status_code,
            re.findall("<p[^>]*>(.*?)</p>", answer.text)[:9],
        )
        return answer.headers.get("Location", "") if wanted == 303 else answer.text

    def scalar(self, statement: str, **values: object) -> int:
        return int(self.rows(statement, **values)[0][0])

    def rows(self, statement: str, **values: object) -> list:
        with self.engine.connect() as connection:
            return list(connection.execute(text(statement), values).all())

    def agrees(self) -> None:
        """Every number of the first page is that of the database, whether it stands on a card or among the zeros."""
        page = self.page("")
        cards = {label: int(number.replace(".", "")) for number, label in CARD.findall(page)}
        for label, statement in CARDS.items():
            counted = self.rows(statement, **self._named(statement))[0][0]
            assert cards.get(label, 0) == counted, label
            assert label in page

    def _named(self, statement: str) -> dict[str, object]:
        known = {"me": self.who.user_id, "today": clock.today()}
        return {name: value for name, value in known.items() if f":{name}" in statement}


CARD = re.compile(r"<li><a href=[^>]*><b>([0-9.]+)</b> (.*?)(?:<br>.*?)?</a></li>")
