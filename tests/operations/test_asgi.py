"""One port, two applications: the path decides."""

import asyncio

import pytest

from operations.asgi import Mount


def served_by(scope) -> str:
    """Which of the two applications gets the connection."""
    called = []

    def app(name):
        async def answer(scope, receive, send):
            called.append(name)

        return answer

    asyncio.run(Mount(app("door"), app("pages"))(scope, None, None))
    return called[0]


@pytest.mark.parametrize("path", ["/callbacks/token", "/callbacks/token/transaction-sync"])
def test_callbacks_go_to_the_door(path):
    assert served_by({"type": "http", "path": path}) == "door"


@pytest.mark.parametrize(
    "path", ["/", "/callbacks", "/p/token", "/console/", "/callbacksomething", "/x/callbacks/token"]
)
def test_everything_else_goes_to_the_pages(path):
    assert served_by({"type": "http", "path": path}) == "pages"


def test_the_door_opens_and_closes_with_the_process():
    assert served_by({"type": "lifespan"}) == "door"
