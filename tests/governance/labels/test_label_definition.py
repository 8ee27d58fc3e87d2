"""Label definitions as data: what is in the project, and what a wrong file is told."""

import tomllib
from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from governance.errors import ConfigurationError
from governance.labels.definition import label_definitions, parse_definition

TEXT = """
name = "claim"
owner = "after-sales"
meaning = "a case became known"
decisions = "order_lines"
maturity_days = 21
needs = ["orders", "cases"]
labelers = ["case_desk"]
version = 1
"""


@pytest.fixture
def values() -> dict[str, Any]:
    return tomllib.loads(TEXT)


def test_the_projects_definitions_are_those_of_the_design() -> None:
    found = {name: (one.maturity_days, one.labelers, one.decisions) for name, one in label_definitions().items()}
    assert found == {
        "claim": (21, ("case_desk",), "order_lines"),
        "merchant_fraud": (30, ("audit", "enforcement", "automatic_rule"), "active_sellers"),
    }
    assert all(one.name == name for name, one in label_definitions().items())


def test_a_definition_is_read_as_it_is_written(values: Mapping[str, Any]) -> None:
    definition = parse_definition(values)
    assert (definition.needs, definition.labelers) == (("orders", "cases"), ("case_desk",))
    assert definition.maturity == timedelta(days=21)
    assert definition.dataset == "labels/claim"


@pytest.mark.parametrize("field", tomllib.loads(TEXT))
def test_a_definition_that_lacks_a_field_is_refused(values: dict[str, Any], field: str) -> None:
    del values[field]
    with pytest.raises(ConfigurationError, match=f"{field}"):
        parse_definition(values)


@pytest.mark.parametrize(
    ("field", "value", "message"),
    [
        ("maturity", 3, "maturity"),
        ("maturity_days", 0, "at least 1"),
        ("maturity_days", "thirty", "whole number"),
        ("maturity_days", 1.5, "whole number"),
        ("labelers", "case_desk", "not a list of names"),
        ("labelers", [], "not a list of names"),
        ("needs", [1], "not a list of names"),
    ],
)
def test_a_wrong_value_is_refused_with_the_name_of_the_label(
    values: dict[str, Any], field: str, value: Any, message: str
) -> None:
    with pytest.raises(ConfigurationError, match=f"claim.*{message}"):
        parse_definition(values | {field: value})


def test_another_maturity_is_another_digest_and_nothing_else(values: Mapping[str, Any]) -> None:
    definition = parse_definition(values)
    longer = definition.with_maturity(45)
    assert longer.maturity == timedelta(days=45)
    assert longer.digest != definition.digest == parse_definition(values).digest
    assert longer.with_maturity(21) == definition
