"""Whatever the OpenAPI document allows, and much that it does not, is answered as it says and never by a fault."""

from collections.abc import Callable
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, settings

pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning", "ignore::UserWarning")


def _check(staged: Callable[..., Any], examples: int) -> int:
    with staged() as stage:
        schema = schemathesis.openapi.from_asgi("/docs/openapi.json", stage.client.app)
        called = 0
        for result in schema.get_all_operations():
            operation = result.ok()

            @settings(
                max_examples=examples,
                deadline=None,
                derandomize=True,
                database=None,
                phases=[Phase.explicit, Phase.generate],
                suppress_health_check=list(HealthCheck),
            )
            @_given(operation.as_strategy())
            def call(case: Any) -> None:
                case.headers = {**(case.headers or {}), **stage.headers}
                answer = case.call()
                assert answer.status_code < 500, (case.formatted_path, case.body, answer.text)
                case.validate_response(answer, checks=[schemathesis.checks.not_a_server_error])

            call()
            called += 1
    return called


def _given(strategy: Any) -> Any:
    from hypothesis import given

    return given(case=strategy)


def test_no_request_ends_in_a_fault(staged: Callable[..., Any]) -> None:
    assert _check(staged, 15) >= 9


@pytest.mark.long
def test_no_request_of_many_ends_in_a_fault(staged: Callable[..., Any]) -> None:
    assert _check(staged, 200) >= 9
