"""Uploading files as a person does, and working on them as a worker does."""

import io
import re
from functools import partial

from sqlalchemy import text

from payments import outbox
from payments.banking.models import ReceivingAccount
from payments.crypto import FieldCipher
from payments.db import session_scope
from reconciliation.imports import work
from reconciliation.imports.models import ImportJob
from reconciliation.imports.service import QUEUE
from tests.payments.faces import Faces


class Hall:
    """A school, its pages, and its worker."""

    def __init__(self, faces: Faces) -> None:
        self.faces = faces
        self.school = faces.school
        self.base = f"/console/{faces.school.code}/imports/"
        self.sessions = partial(session_scope, faces.engine)
        self.cipher = FieldCipher(faces.settings.field_keys)

    @property
    def number(self) -> str:
        with self.sessions() as session:
            return session.get_one(ReceivingAccount, (self.school.id, self.school.account)).number

    def send(self, kind: str, data: bytes, name: str = "tep.xlsx", **form: object) -> int:
        """Upload a file; the id of its job."""
        token = self.token(self.base)
        fields = {"account": str(self.school.account)} if kind == "statement" else {}
        fields |= {key: str(value) for key, value in form.items()}
        answer = self.faces.client.post(
            self.base + kind, data={"csrf_token": token, "file": (io.BytesIO(data), name), **fields}
        )
        assert answer.status_code == 303, answer.get_data(as_text=True)[-600:]
        return int(re.search(r"/imports/(\d+)/", answer.headers["Location"])[1])

    def token(self, path: str) -> str:
        return self.faces.page(path).split('name="csrf_token" value="')[1].split('"')[0]

    def press(self, job_id: int, button: str, **form: str) -> int:
        token = self.token(self.base)
        shown = {"shown": self.shown(job_id)} | form
        return self.faces.client.post(f"{self.base}{job_id}/{button}", data={"csrf_token": token, **shown}).status_code

    def shown(self, job_id: int) -> str:
        """Which reading of the file the page asks about; empty where it asks nothing."""
        found = re.search(r'name="shown" value="(\w+)"', self.page(job_id))
        return found[1] if found else ""

    def page(self, job_id: int, more: str = "", **how: object) -> str:
        return self.faces.page(f"{self.base}{job_id}/{more}", **how)

    def claim(self) -> outbox.Claimed | None:
        with self.sessions() as session:
            found = outbox.claim(session, QUEUE, limit=1, lease=work.LEASE)
        return found[0] if found else None

    def work(self) -> int:
        """Let the worker do all that is due; how many turns it took."""
        turns = 0
        while (row := self.claim()) is not None:
            work.work_on(self.sessions, self.cipher, row)
            turns += 1
        return turns

    def bring(self, kind: str, data: bytes, name: str = "tep.xlsx") -> ImportJob:
        """Upload, read, write."""
        job_id = self.send(kind, data, name)
        self.work()
        assert self.press(job_id, "write") == 303
        self.work()
        return self.job(job_id)

    def job(self, job_id: int) -> ImportJob:
        with self.sessions() as session:
            return session.get_one(ImportJob, (self.school.id, job_id))

    def rows(self, statement: str) -> list[tuple]:
        with self.faces.engine.connect() as connection:
            return [tuple(row) for row in connection.execute(text(statement))]

    def count(self, table: str) -> int:
        [(number,)] = self.rows(f"SELECT count(*) FROM {table}")
        return number
