"""What the pages of the Dagster UI ask its webserver, asked by a test."""

import http.client
import json
from contextlib import closing
from typing import Any


def ask(port: int, query: str, **variables: Any) -> dict[str, Any]:
    """The data that a webserver on this port answers a query with; AssertionError where it answers with errors."""
    with closing(http.client.HTTPConnection("127.0.0.1", port, timeout=60)) as connection:
        body = json.dumps({"query": query, "variables": variables})
        connection.request("POST", "/graphql", body, {"Content-Type": "application/json"})
        answer: dict[str, Any] = json.load(connection.getresponse())
    assert "errors" not in answer, answer
    data: dict[str, Any] = answer["data"]
    return data
