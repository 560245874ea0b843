"""The ASGI application that ``hocphi serve`` runs: callbacks go to the banks' door, all else to the WSGI application,
in front of which the waiting room answers the polls of parents' pages.

The door takes the lifespan as well: it opens its connections at start and closes them at the end.
"""

import gc
import sys
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, cast

from a2wsgi import WSGIMiddleware

CALLBACKS = "/callbacks/"
WSGI_THREADS = 8
"""As many as there are database connections for pages; more would only wait for the interpreter."""
TURN_S = 0.0005
"""How long a thread that renders a page keeps the interpreter when the banks' door wants it; Python's own 5 ms, times
all threads that render, is what a bank would wait, several times for each callback."""
YOUNG_OBJECTS = 20_000
"""Of so many the garbage collector looks for cycles; a batch of callbacks is a few thousand that need no look."""

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
App = Callable[[Message, Receive, Send], Awaitable[None]]


class Mount:
    """Sends each request to one of two applications by its path."""

    def __init__(self, door: App, pages: App) -> None:
        self._door = door
        self._pages = pages

    async def __call__(self, scope: Message, receive: Receive, send: Send) -> None:
        """Serve one connection."""
        if scope["type"] == "lifespan" or scope.get("path", "").startswith(CALLBACKS):
            await self._door(scope, receive, send)
            return

        async def read() -> Message:
            # The bridge to WSGI wants a coroutine, the server gives another awaitable: forms would fail without this.
            return await receive()

        await self._pages(scope, read, send)


def application() -> Mount:
    """Compose the application of one web process from the environment."""
    # What is loaded stays: to look through it for garbage again and again is an eighth of a start.
    gc.disable()
    import wsgi  # noqa: PLC0415 - reads the environment, so only here and not when this module is looked at
    from payments.inbox.door import Door  # noqa: PLC0415 - likewise
    from payments.portal.waiting import WaitingRoom  # noqa: PLC0415 - likewise

    pages = WSGIMiddleware(cast("Any", wsgi.app), workers=WSGI_THREADS)
    mounted = Mount(Door(wsgi.settings), WaitingRoom(cast("App", pages), wsgi.settings))
    sys.setswitchinterval(TURN_S)
    spare_the_collector()
    return mounted


def spare_the_collector() -> None:
    """Leave what is loaded now out of every later garbage collection: a fifth of what a callback would cost."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(YOUNG_OBJECTS, *gc.get_threshold()[1:])
    gc.enable()
