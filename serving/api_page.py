"""The OpenAPI document as one page of HTML without scripts: it loads on a closed network."""

import json
from collections.abc import Iterator, Mapping
from html import escape
from typing import Any

_METHODS = ("get", "post", "put", "patch", "delete")
_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; margin: 2rem auto; max-width: 62rem; padding: 0 1rem; color: #1d2430; }
h2 { margin-top: 2.5rem; border-bottom: 1px solid #d5dae2; text-transform: capitalize; }
details { border: 1px solid #d5dae2; border-radius: 6px; margin: .6rem 0; padding: .5rem .9rem; }
summary { cursor: pointer; }
summary b { display: inline-block; width: 3.6rem; color: #0b6b50; text-transform: uppercase; }
summary b.post { color: #1d4fb8; }
code, pre { font: 13px/1.45 ui-monospace, monospace; }
pre { background: #f4f6f9; border-radius: 6px; overflow-x: auto; padding: .7rem; }
table { border-collapse: collapse; margin: .5rem 0; width: 100%; }
td, th { border-bottom: 1px solid #e6e9ee; padding: .25rem .6rem .25rem 0; text-align: left; vertical-align: top; }
.quiet { color: #5b6675; }
"""


def page(document: Mapping[str, Any]) -> str:
    """The page of a document."""
    info = document["info"]
    body = [
        f"<h1>{escape(info['title'])} <span class=quiet>{escape(info['version'])}</span></h1>",
        f"<p>{escape(info.get('description', ''))}</p>",
        "<p>Every route but health takes a key: <code>Authorization: Bearer mg_...</code> "
        "(<code>govern keys add</code>). The document itself: <a href=docs/openapi.json>openapi.json</a>.</p>",
        *_routes(document),
        "<h2>Structures</h2>",
        *(_structure(name, schema) for name, schema in sorted(document["components"]["schemas"].items())),
    ]
    head = (
        f"<meta charset=utf-8><meta name=viewport content='width=device-width'><title>{escape(info['title'])}</title>"
    )
    return f"<!doctype html><html lang=en><head>{head}<style>{_STYLE}</style></head><body>{''.join(body)}</body></html>"


def _routes(document: Mapping[str, Any]) -> Iterator[str]:
    by_tag: dict[str, list[str]] = {}
    for path, item in document["paths"].items():
        for method in _METHODS:
            if method in item:
                operation = item[method]
                parameters = [*item.get("parameters", ()), *operation.get("parameters", ())]
                for tag in operation.get("tags", ["other"]):
                    by_tag.setdefault(tag, []).append(_route(path, method, operation, parameters))
    for tag, routes in by_tag.items():
        yield f"<h2>{escape(tag)}</h2>{''.join(routes)}"


def _route(path: str, method: str, operation: Mapping[str, Any], parameters: list[Mapping[str, Any]]) -> str:
    said = operation.get("description", "")
    body = operation.get("requestBody", {}).get("content", {}).get("application/json", {})
    parts = [f"<p>{_words(said)}</p>" if said else "", _parameters(parameters)]
    if body:
        parts.append(f"<p>Body: {_type(body.get('schema', {}))}</p>")
        parts.append(_curl(path, method, body["example"]) if "example" in body else "")
    parts.append(_answers(operation.get("responses", {})))
    title = f"<code>{escape(path)}</code> {escape(operation.get('summary', ''))}"
    head = f"<summary><b class={method}>{method}</b> {title}</summary>"
    return f"<details open>{head}{''.join(parts)}</details>"


def _parameters(parameters: list[Mapping[str, Any]]) -> str:
    rows = "".join(
        f"<tr><td><code>{escape(each['name'])}</code><td>{_type(each.get('schema', {}))}"
        f"<td>{_words(each.get('description') or '')}"
        for each in parameters
    )
    return f"<table><tr><th>Parameter<th>Type<th>{rows}</table>" if rows else ""


def _curl(path: str, method: str, example: Any) -> str:
    written = json.dumps(example, indent=2)
    command = (
        f'curl -X {method.upper()} "$URL{path}" -H "Authorization: Bearer $KEY" '
        f"-H 'Content-Type: application/json' -d '{written}'"
    )
    return f"<pre>{escape(command)}</pre>"


def _answers(responses: Mapping[str, Mapping[str, Any]]) -> str:
    """A line for each kind of answer, with every status that it comes with."""
    statuses: dict[str, list[str]] = {}
    for status, answer in sorted(responses.items()):
        schemas = [media.get("schema", {}) for media in answer.get("content", {}).values()]
        cells = f"<td>{' '.join(map(_type, schemas))}<td class=quiet>{_words(answer.get('description', ''))}"
        statuses.setdefault(cells, []).append(escape(str(status)))
    rows = "".join(f"<tr><td>{', '.join(found)}{cells}" for cells, found in statuses.items())
    return f"<table><tr><th>Answer<th>Body<th>{rows}</table>"


def _words(text: str) -> str:
    """Plain text, in which backticks enclose code."""
    parts = escape(text).split("`")
    return "".join(f"<code>{part}</code>" if number % 2 else part for number, part in enumerate(parts))


def _structure(name: str, schema: Mapping[str, Any]) -> str:
    required = schema.get("required", ())
    rows = "".join(
        f"<tr><td><code>{escape(field)}</code>{'' if field in required else ' <span class=quiet>optional</span>'}"
        f"<td>{_type(described)}"
        for field, described in schema.get("properties", {}).items()
    )
    said = _words(schema.get("description", ""))
    head = f"<summary><code>{escape(name)}</code></summary>"
    return f"<details open id='{escape(name)}'>{head}<p>{said}</p><table>{rows}</table></details>"


def _type(schema: Mapping[str, Any]) -> str:
    """A schema in a few words: its type, or a link to its structure."""
    if "$ref" in schema:
        name = escape(schema["$ref"].rsplit("/", 1)[-1])
        return f"<a href='#{name}'>{name}</a>"
    for union in ("anyOf", "oneOf"):
        if union in schema:
            return " or ".join(_type(each) for each in schema[union])
    if schema.get("type") == "array":
        return f"list of {_type(schema.get('items', {}))}"
    if schema.get("type") == "object" and isinstance(schema.get("additionalProperties"), dict):
        return f"map to {_type(schema['additionalProperties'])}"
    types = schema.get("type", "any")
    return escape(schema.get("format") or (" or ".join(types) if isinstance(types, list) else str(types)))
