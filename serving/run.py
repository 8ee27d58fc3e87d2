"""Starting and stopping the service: one process, or several that share a port."""

import gc
import logging
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

from governance.workspace import Workspace
from serving.settings import Settings

OpenWorkspace = Callable[[], Workspace]

_COLLECTED_AFTER = (50_000, 20, 50)
"""How many more objects, or collections of the next younger ones, there are before a generation is looked at."""


def serve(open_workspace: OpenWorkspace, settings: Settings, *, ready: Callable[[str], None]) -> None:
    """Answer requests until the process is told to end; requests under way are finished, and the ledger flushed.

    With several workers each has its own loop and models, and one that dies is started again.

    Parameters
    ----------
    open_workspace
        A function of a module: each worker calls it, because a workspace does not travel between processes.
    ready
        Is told the address before the first request can come.
    """
    import uvicorn

    from serving.one_write import OneWriteProtocol

    config = uvicorn.Config(
        partial(_application, open_workspace, settings),
        factory=True,
        host=settings.host,
        port=settings.port,
        workers=settings.workers,
        loop="uvloop",
        http=OneWriteProtocol,
        lifespan="on",
        log_level=logging.WARNING,
        # A line a request would cost more than the request, and what people ask is nobody's business.
        access_log=False,
        server_header=False,
        # Nothing here depends on where a request comes from.
        proxy_headers=False,
        timeout_graceful_shutdown=settings.shutdown_seconds,
    )
    listening = config.bind_socket()
    ready(_url(listening))
    if settings.workers == 1:
        uvicorn.Server(config).run([listening])
        return
    from uvicorn.supervisors import Multiprocess

    Multiprocess(config, sockets=[listening]).run()


def _application(open_workspace: OpenWorkspace, settings: Settings) -> Any:
    logging.basicConfig(level=logging.WARNING, format="%(asctime)s %(levelname)s %(name)s: %(message)s")
    # Which model serves from when on is worth a line.
    logging.getLogger("serving").setLevel(logging.INFO)
    from serving.app import create_app
    from serving.service import Service

    return settled(create_app(Service(open_workspace(), settings)))


def settled(application: Any) -> Any:
    """The application, which once it has started leaves what it is made of to no garbage collection.

    A collection looks at every object there is: libraries alone are a million, which costs 0.15 s every few hundred
    requests. What requests leave behind is looked at less often than is usual as well: nearly all of it is gone by
    itself when it is answered, and to look for the rest after 700 objects takes a quarter of a decision.
    """

    async def run(scope: Any, receive: Any, send: Any) -> None:
        if scope["type"] != "lifespan":
            await application(scope, receive, send)
            return

        async def told(message: Any) -> None:
            if message["type"] == "lifespan.startup.complete":
                gc.collect()
                gc.freeze()
                gc.set_threshold(*_COLLECTED_AFTER)
            await send(message)

        await application(scope, receive, told)

    return run


def _url(listening: socket.socket) -> str:
    host, port = listening.getsockname()[:2]
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"
