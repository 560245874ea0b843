"""The public pages over HTTP."""

from collections.abc import Iterator

import pytest
from sqlalchemy import Engine

from tests.payments.faces import Faces, faces


@pytest.fixture
def home(engine: Engine, database_url: str) -> Iterator[Faces]:
    with faces(engine, database_url) as made:
        yield made


def test_x(home: Faces) -> None:
    for path in (
        "/s/",
        f"/s/{home.school.code}",
        f"/s/{home.school.code}/cong-khai",
        f"/s/{home.school.code}/cong-khai.csv",
        f"/s/{home.school.code}/cong-khai.xlsx",
    ):
        answer = home.client.get(path)
        print(answer.status_code, answer.headers, len(answer.data))
    print(home.client.post(f"/s/{home.school.code}", data={"account": "123 4"}).get_data(as_text=True))
