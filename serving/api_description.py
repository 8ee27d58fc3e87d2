"""The OpenAPI document: what Litestar derives from typed handlers, and by hand what it cannot see of the raw route."""

from collections.abc import Mapping
from typing import Any

import msgspec
from litestar import Request
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin, OpenAPIRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme

from serving.api_page import page
from serving.problems import MEDIA_TYPE, STATUSES
from serving.wire import DecisionAnswer, DecisionRequest, Problem

PATH = "/docs"

EXAMPLE: Mapping[str, Any] = {
    "entity_id": "line_81",
    "request_id": "checkout-81-1",
    "market": "US",
    "keys": {"buyer_id": "b_17", "seller_id": "s_4", "product_id": "p_90", "category": "toys"},
    "context": {"price_minor": 4990, "shipping_minor": 500, "reference_rate": 1.0, "line_count": 1},
    "amount_minor": 4990,
}

_REFERENCE = "#/components/schemas/{name}"


def configuration(version: str) -> OpenAPIConfig:
    """The document and the page, under `/docs`; the page loads nothing from anywhere."""
    return OpenAPIConfig(
        title="Marketplace governance: decisions",
        version=version,
        description="May this login, order, payout or claim go ahead, and why?",
        path=PATH,
        render_plugins=[ApiPage(path="/"), Document(path="/openapi.json")],
        components=Components(
            security_schemes={"key": SecurityScheme(type="http", scheme="bearer", description="govern keys add")}
        ),
    )


class Document(JsonRenderPlugin):
    """The document as JSON."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:
        """The whole document."""
        return self.render_json(request, whole(openapi_schema))


class ApiPage(OpenAPIRenderPlugin):
    """The document as a page for people."""

    def render(self, request: Request[Any, Any, Any], openapi_schema: dict[str, Any]) -> bytes:  # noqa: ARG002
        """The page."""
        return page(whole(openapi_schema)).encode()


def whole(derived: Mapping[str, Any]) -> dict[str, Any]:
    """The document with the raw route in it."""
    _, schemas = msgspec.json.schema_components((DecisionRequest, DecisionAnswer, Problem), ref_template=_REFERENCE)
    components = derived["components"]
    return {
        **derived,
        "paths": {**_decisions(), **derived["paths"]},
        "components": {**components, "schemas": {**components.get("schemas", {}), **schemas}},
    }


def _decisions() -> dict[str, Any]:
    point = _parameter("The decision point (`/v1/points` lists them)")
    ask = {
        "tags": ["decisions"],
        "summary": "Decide",
        "operationId": "Decide",
        "description": "Runs all models, rules and the policy of a decision point. "
        "Repeating a `request_id` brings the same decision back.",
        "security": [{"key": []}],
        "requestBody": {
            "required": True,
            "content": {"application/json": {"schema": _schema("DecisionRequest"), "example": dict(EXAMPLE)}},
        },
        "responses": _responses("What to do"),
    }
    look = {
        "tags": ["decisions"],
        "summary": "A decision that was made",
        "operationId": "GetDecision",
        "security": [{"key": []}],
        "responses": _responses("The decision as it was answered"),
    }
    # Both are one path to OpenAPI, where a template's name makes no difference.
    both = {"parameters": [point], "post": ask, "get": look}
    return {"/v1/decisions/{name}": both}


def _parameter(description: str) -> dict[str, Any]:
    text = f"{description}; for GET the decision's id"
    return {
        "name": "name",
        "in": "path",
        "required": True,
        "description": text,
        "schema": {"type": "string", "minLength": 1, "maxLength": 128},
    }


def _responses(description: str) -> dict[str, Any]:
    problem = {"description": "See `detail`.", "content": {MEDIA_TYPE: {"schema": _schema("Problem")}}}
    answer = {"description": description, "content": {"application/json": {"schema": _schema("DecisionAnswer")}}}
    return {"200": answer, **{str(status): problem for status in STATUSES}}


def _schema(name: str) -> dict[str, str]:
    return {"$ref": _REFERENCE.format(name=name)}
