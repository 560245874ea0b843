"""Two schools behind one application: An and Bình at the first, Chi at the second; each with a link of their own."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Engine

from payments import clock
from payments.db import session_scope
from payments.portal.service import ensure_links, tokens
from payments.settlement.settling import settle_transactions
from tests.payments.faces import Faces, faces
from tests.payments.setting import SchoolSetting, make_pupil, make_school
from tests.payments.settlement.setting import Issued, arrive, issue


@dataclass
class Homes:
    """What a test of families needs; ``an`` and ``binh`` go to ``here``, ``chi`` to ``there``."""

    faces: Faces
    here: SchoolSetting
    there: SchoolSetting
    binh_id: int
    an: str
    binh: str
    chi: str
    dues: dict[str, Issued] = field(default_factory=dict)

    @property
    def client(self) -> Any:
        return self.faces.client

    def page(self, path: str, status: int = 200, language: str = "vi") -> str:
        return self.faces.page(path, status, language)

    def send(self, path: str, form_at: str, **form: Any) -> Any:
        """The answer to a form, sent with the token of the page that shows it."""
        token = self.page(form_at).split('name="csrf_token" value="')[1].split('"')[0]
        return self.client.post(path, data={"csrf_token": token, **form})

    def family(self, *others: str, mine: str | None = None) -> str:
        """The token of the family that a parent makes of links."""
        token = mine or self.an
        for other in others:
            answer = self.send(f"/p/{token}/family", f"/p/{token}/family", link=f"https://x.example/p/{other}?a=1")
            assert answer.status_code == 303, answer.get_data(as_text=True)[:500]
            token = answer.headers["Location"].split("/p/")[1].split("?")[0]
        return token

    def together(self, token: str, *items: str) -> str:
        """Where choosing these items leads to."""
        answer = self.send(f"/p/{token}/together", f"/p/{token}/together", item=list(items))
        assert answer.status_code == 303, answer.get_data(as_text=True)[:500]
        return answer.headers["Location"]

    def pay(self, school: SchoolSetting, amount_vnd: int, memo: str, **said: Any) -> int:
        with session_scope(self.faces.engine) as session:
            transfer = arrive(session, school, amount_vnd, memo, **said)
            settle_transactions(session, school.id, [transfer])
            return transfer


@contextmanager
def homes(engine: Engine, database_url: str, **environment: str) -> Iterator[Homes]:
    with faces(engine, database_url, **environment) as home:
        with session_scope(engine) as session:
            here, there = home.school, make_school(session)
            binh = make_pupil(session, here.id, here.class_room, "Bình")
            dues = {
                "an": home.invoice,
                "an2": issue(session, here, 80_000),
                "binh": issue(session, here, 60_000, pupil=binh),
                "an_other": issue(session, here, 25_000, account=here.other_account),
                "chi": issue(session, there, 70_000),
                "chi2": issue(session, there, 30_000),
            }
            for school in (here, there):
                ensure_links(session, home.settings.link_keys, school.id, clock.now().replace(year=2099))
            mine = dict(tokens(session, home.settings.link_keys, here.id))
            theirs = dict(tokens(session, home.settings.link_keys, there.id))
        yield Homes(home, here, there, binh, mine[here.pupil], mine[binh], theirs[there.pupil], dues)
