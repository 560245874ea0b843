"""One port, two applications: the path decides."""

import asyncio
import subprocess
import sys

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


def test_what_is_loaded_is_left_out_of_garbage_collections():
    # In a process of its own: the setting is for the whole life of one.
    code = """
import gc
from operations.asgi import YOUNG_OBJECTS, spare_the_collector
spare_the_collector()
print(gc.get_freeze_count() > 10_000, gc.get_threshold()[0] == YOUNG_OBJECTS, gc.isenabled())
"""
    told = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["True", "True", "True"]
