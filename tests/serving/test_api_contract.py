"""Whatever the OpenAPI document allows, and much that it does not, is answered as it says and never by a fault."""

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
import schemathesis
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis.core.transport import Response
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from serving.app import create_app

CHECKS = [
    schemathesis.checks.not_a_server_error,
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
]
SECONDS_AT_MOST = 60


@contextmanager
def listening(app: Any) -> Iterator[str]:
    """The address of the application, served over HTTP for as long as the block lasts."""
    with socket.create_server(("127.0.0.1", 0)) as opened:
        server = uvicorn.Server(uvicorn.Config(app, log_level="error", lifespan="on"))
        thread = threading.Thread(target=server.run, args=([opened],))
        thread.start()
        try:
            while not server.started:
                assert thread.is_alive(), "the server ended"
                thread.join(0.01)
            yield f"http://127.0.0.1:{opened.getsockname()[1]}"
        finally:
            server.should_exit = True
            thread.join(SECONDS_AT_MOST)


def call_everything(prepared: Callable[..., Any], *, examples: int) -> list[Response]:
    """Send so many generated requests to each operation, and hold every answer against the document."""
    service, token = prepared(requests_per_second_per_key=1e9, burst_per_key=1e9)
    answers: list[Response] = []
    with listening(create_app(service)) as url:
        for result in schemathesis.openapi.from_url(f"{url}/docs/openapi.json").get_all_operations():

            @settings(
                max_examples=examples,
                deadline=None,
                derandomize=True,
                database=None,
                phases=[Phase.explicit, Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @given(case=result.ok().as_strategy())
            def call(case: Any) -> None:
                answer = case.call(headers={"Authorization": f"Bearer {token}"})
                answers.append(answer)
                case.validate_response(answer, checks=CHECKS)

            call()
    return answers


def test_no_request_ends_in_a_fault(prepared: Callable[..., Any]) -> None:
    statuses = {answer.status_code for answer in call_everything(prepared, examples=8)}
    assert {200, 404} <= statuses
    assert max(statuses) < 500


@pytest.mark.long
def test_no_request_of_many_ends_in_a_fault(prepared: Callable[..., Any]) -> None:
    answers = call_everything(prepared, examples=150)
    assert max(answer.status_code for answer in answers) < 500
