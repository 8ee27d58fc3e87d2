"""The service's answers over HTTP: decisions, refusals, failure answers, limits."""

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from time import monotonic
from typing import Any

import pytest

from serving.keys import keys_of

SIGNED = {"who": "test", "reason": "a test", "at": datetime(2024, 3, 1, tzinfo=UTC)}
PROTECTED = [
    ("POST", "/v1/decisions/checkout"),
    ("GET", "/v1/decisions/1"),
    ("GET", "/v1/points"),
    ("GET", "/v1/models"),
    ("POST", "/v1/models/claim/score"),
    ("POST", "/v1/events"),
    ("GET", "/v1/entities/buyer_id/b_1"),
    ("GET", "/metrics"),
]
EVENT: dict[str, Any] = {"table": "orders", "event_id": "1", "occurred_at": "2024-03-01T12:00:00Z", "fields": {}}


@pytest.mark.parametrize(("method", "path"), PROTECTED, ids=[path for _, path in PROTECTED])
@pytest.mark.parametrize(
    "header", [None, "Bearer ", "Bearer mg_1_2", "Basic bWc6"], ids=["none", "empty", "wrong", "basic"]
)
def test_without_a_valid_key_nothing_but_health_opens(stage: Any, method: str, path: str, header: str | None) -> None:
    answer = stage.client.request(method, path, headers={"Authorization": header} if header else {}, json={})
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"] == "Bearer"
    assert answer.headers["content-type"].startswith("application/problem+json")
    assert answer.json()["type"] == "/problems/unauthenticated"


def test_health_opens_without_a_key(stage: Any) -> None:
    assert stage.client.get("/health/live").json() == {"live": True}
    assert stage.client.get("/health/ready").json() == {"ready": True, "degraded": []}


def test_a_key_opens_only_what_its_scopes_name(stage: Any) -> None:
    stage.token = keys_of(stage.service.workspace.root).add("reader", ["read"], **SIGNED)
    stage.service.access.refresh()
    assert stage.get("/v1/models").status_code == 200
    assert stage.ask().status_code == 403


def test_a_revoked_key_opens_nothing_any_more(stage: Any) -> None:
    keys_of(stage.service.workspace.root).revoke(stage.token.split("_")[1], **SIGNED)
    stage.service.access.refresh()
    assert stage.ask().status_code == 401


def test_a_harmless_decision_is_answered_and_found_again(stage: Any) -> None:
    answer = stage.ask().json()
    assert (answer["action"], answer["reasons"], answer["degraded"], answer["durable"]) == ("allow", [], [], False)
    assert answer["scores"] == [{"model": "claim", "digest": "a" * 64, "role": "champion", "probability": 0.2}]
    where = f"/v1/decisions/{answer['decision_id']}"
    assert stage.get(where).status_code == 200, "also before it is on disk"
    _eventually(lambda: stage.get(where).json()["durable"])
    assert stage.get(where).json() == answer | {"durable": True, "replayed": True}


def test_a_decision_that_hurts_is_explained_and_on_disk_when_it_is_answered(stage: Any) -> None:
    _never_explore(stage)
    answer = stage.ask(context={"risk": 0.9}).json()
    assert (answer["action"], answer["durable"]) == ("warn", True)
    assert answer["reasons"] == [{"code": "seller_late_delivery_rate", "text": "Seller: late delivery rate"}]
    kept = stage.service.workspace.decisions.get(answer["decision_id"])
    assert (kept.action, kept.entity_id, kept.scores[0].reasons[0].code) == (
        "warn",
        "line_1",
        "seller_late_delivery_rate",
    )


def test_repeating_a_request_brings_the_same_decision_back(stage: Any) -> None:
    first, second = (stage.ask(request_id="r_1").json() for _ in range(2))
    assert second == first | {"replayed": True}
    assert stage.ask(request_id="r_2").json()["decision_id"] != first["decision_id"]


def test_a_request_id_that_stands_for_another_question_is_refused(stage: Any) -> None:
    assert stage.ask(request_id="r_1").status_code == 200
    assert stage.ask(request_id="r_1", entity_id="line_2").status_code == 409
    assert stage.ask("bonus", request_id="r_1", keys={}).status_code == 409


def test_the_same_request_sent_many_times_at_once_is_decided_once(stage: Any) -> None:
    with ThreadPoolExecutor(8) as threads:
        answers = list(threads.map(lambda _: stage.ask(request_id="r_1").json()["decision_id"], range(24)))
    assert len(set(answers)) == 1
    _eventually(lambda: stage.service.workspace.decisions.about("line_1", at_most=100))
    assert len(stage.service.workspace.decisions.about("line_1", at_most=100)) == 1


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"entity_id": ""}, 400),
        ({"entity_id": 5}, 400),
        ({"surprise": 1}, 400),
        ({"occurred_at": "yesterday"}, 400),
        ({"occurred_at": "2024-03-01T12:00:00"}, 400),
        ({"amount_minor": -1}, 400),
        ({"keys": {"buyer_id": "nul\x00"}}, 400),
        ({"entity_id": "a line\n"}, 400),
        ({"market": "\x7f"}, 400),
        ({"context": {"tab\t": 1}}, 400),
        ({"context": {"note": "nul\x00"}}, 400),
        ({"keys": {"bayer_id": "b_1"}}, 422),
    ],
    ids=[
        "empty id",
        "number as id",
        "unknown field",
        "no time",
        "no zone",
        "negative",
        "control character",
        "line end",
        "delete character",
        "control character in a name",
        "nul in a text",
        "misspelt key",
    ],
)
def test_a_request_that_cannot_be_is_refused_with_a_sentence(stage: Any, changes: dict[str, Any], status: int) -> None:
    answer = stage.ask(**changes)
    assert answer.status_code == status
    assert len(answer.json()["detail"]) > 10


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/models/claim/score", {"rows": [{"keys": {"buyer_id": "b\x00"}}]}),
        ("/v1/models/claim/score", {"rows": [{"context": {"tab\t": 1}}]}),
        ("/v1/models/claim/score", {"rows": [{"context": {"note": "nul\x00"}}]}),
        ("/v1/events", {"events": [EVENT | {"table": "orders\n"}]}),
        ("/v1/events", {"events": [EVENT | {"event_id": "\x7f"}]}),
        ("/v1/events", {"events": [EVENT | {"fields": {"\x1f": 1}}]}),
    ],
    ids=["key of a row", "name in a row", "text of a row", "table of an event", "id of an event", "field of an event"],
)
def test_control_characters_are_refused_in_batches_and_events_too(stage: Any, path: str, body: dict[str, Any]) -> None:
    answer = stage.client.post(path, json=body, headers=stage.headers)
    assert answer.status_code == 400
    assert "characters" in answer.text


def test_a_body_that_is_no_json_or_too_large_is_refused(staged: Callable[..., Any]) -> None:
    with staged(body_bytes_at_most=1000) as stage:
        for body, status in ((b"{", 400), (b"", 400), (b"[]", 400), (b" " * 1001, 413), (b"\xff", 400)):
            answer = stage.client.post("/v1/decisions/checkout", content=body, headers=stage.headers)
            assert answer.status_code == status, body[:10]


def test_what_does_not_exist_is_not_found(stage: Any) -> None:
    assert stage.ask("nowhere").status_code == 404
    for path in (
        "/v1/decisions/1",
        "/v1/decisions/",
        "/v1/decisions/a/b",
        "/v1/decisionsa",
        "/v1/entities/shoe/1",
        "/v2",
    ):
        assert stage.get(path).status_code == 404, path
    rows = {"rows": [{"keys": {}}]}
    assert stage.client.post("/v1/models/nothing/score", json=rows, headers=stage.headers).status_code == 404


def test_a_method_that_is_not_there_is_refused(stage: Any) -> None:
    answer = stage.client.delete("/v1/decisions/checkout", headers=stage.headers)
    assert (answer.status_code, answer.headers["allow"]) == (405, "GET, POST")
    assert stage.client.delete("/v1/models", headers=stage.headers).status_code == 405


@pytest.mark.parametrize(("point", "action"), [("checkout", "allow"), ("payout", "hold"), ("bonus", "deny_incentive")])
def test_where_features_cannot_be_read_each_point_answers_as_it_says(stage: Any, point: str, action: str) -> None:
    stage.service.profiles.fails = True
    answer = stage.ask(point, keys={}).json()
    assert (answer["action"], answer["degraded"], answer["scores"]) == (action, ["features"], [])


def test_a_store_that_has_lost_everything_is_told_from_an_entity_that_nobody_knows(stage: Any) -> None:
    assert stage.ask(keys={"buyer_id": "b_2"}).json()["degraded"] == []
    assert stage.ask().json()["degraded"] == []
    assert stage.ask(keys={"buyer_id": "b_2"}).json()["degraded"] == []
    stage.service.profiles.known.clear()
    assert stage.ask(keys={"buyer_id": "b_2"}).json()["degraded"] == ["features"]
    assert stage.ask().json()["degraded"] == ["features"]


def test_a_model_that_should_answer_and_cannot_is_named(stage: Any) -> None:
    assert stage.ask(context={"risk": 5}).json()["degraded"] == ["model:claim"]
    served = stage.service.models.served
    served["claim"] = replace(served["claim"], champion=None, problem="it is corrupt")
    assert stage.ask().json()["degraded"] == ["model:claim"]
    assert stage.client.get("/health/ready").json() == {"ready": True, "degraded": ["model:claim"]}


def test_a_model_that_was_never_promoted_is_left_out(stage: Any) -> None:
    stage.service.models.served["claim"] = replace(stage.service.models.served["claim"], champion=None)
    answer = stage.ask().json()
    assert (answer["action"], answer["scores"], answer["degraded"]) == ("allow", [], [])


def test_a_shadow_is_remembered_and_neither_told_nor_acted_on(stage: Any) -> None:
    served = stage.service.models.served
    shadow = replace(served["claim"].champion, digest="b" * 64, threshold=0.0)
    served["claim"] = replace(served["claim"], shadows=(shadow,))
    answer = stage.ask(request_id="r").json()
    assert answer["action"] == "allow"
    assert [score["role"] for score in answer["scores"]] == ["champion"]
    _eventually(lambda: stage.service.workspace.decisions.get(answer["decision_id"]))
    kept = stage.service.workspace.decisions.get(answer["decision_id"])
    assert [(score.role, score.acts) for score in kept.scores] == [("champion", False), ("shadow", True)]


def test_personal_values_are_kept_only_as_keyed_hashes(stage: Any) -> None:
    answer = stage.ask(context={"risk": 0.1, "device": "a phone", "coupon": "spring"}).json()
    _eventually(lambda: stage.service.workspace.decisions.get(answer["decision_id"]))
    kept = stage.service.workspace.decisions.get(answer["decision_id"])
    assert kept.context["coupon"] == "spring"
    assert kept.context["device"].startswith("published:")


def test_a_key_that_asks_too_often_is_told_when_to_come_again(staged: Callable[..., Any]) -> None:
    with staged(requests_per_second_per_key=0.01, burst_per_key=3.0) as stage:
        answers = [stage.ask() for _ in range(4)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429]
    assert 90 <= int(answers[-1].headers["retry-after"]) <= 100


def test_a_batch_counts_as_its_rows(staged: Callable[..., Any]) -> None:
    with staged(requests_per_second_per_key=0.01, burst_per_key=3.0) as stage:
        rows = {"rows": [{"context": {"risk": 0.1}}] * 4}
        answer = stage.client.post("/v1/models/claim/score", json=rows, headers=stage.headers)
    assert answer.status_code == 429


def test_where_there_is_no_room_requests_are_turned_away_at_once(staged: Callable[..., Any]) -> None:
    with staged(in_flight_at_most=1) as stage:
        entered, leave = threading.Event(), threading.Event()
        read = stage.service.profiles.read

        async def slow(*asked: Any, **options: Any) -> Any:
            entered.set()
            while not leave.is_set():
                await asyncio.sleep(0.001)
            return await read(*asked, **options)

        stage.service.profiles.read = slow
        with ThreadPoolExecutor(1) as threads:
            first = threads.submit(stage.ask)
            entered.wait(10)
            refused = stage.ask()
            leave.set()
            assert first.result().status_code == 200
        assert (refused.status_code, refused.headers["retry-after"]) == (503, "1")
        assert stage.ask().status_code == 200


def test_where_requests_wait_too_long_to_be_read_further_ones_are_turned_away(staged: Callable[..., Any]) -> None:
    with staged(behind_seconds_at_most=0.02) as stage:
        read = stage.service.profiles.read

        async def busy(*asked: Any, **options: Any) -> Any:
            # As a slow disk would, this holds up the whole event loop.
            until = monotonic() + 0.03
            while monotonic() < until:
                pass
            return await read(*asked, **options)

        stage.service.profiles.read = busy
        with ThreadPoolExecutor(24) as threads:
            statuses = [answer.status_code for answer in threads.map(lambda _: stage.ask(), range(72))]
        stage.service.profiles.read = read
        assert set(statuses) == {200, 503}
        assert stage.ask().status_code == 200


def test_a_fault_nobody_foresaw_tells_nothing_of_the_inside(stage: Any, caplog: pytest.LogCaptureFixture) -> None:
    async def broken(*_: Any, **__: Any) -> Any:
        raise ZeroDivisionError("secret")

    stage.service.profiles.read = broken
    answer = stage.ask()
    assert (answer.status_code, answer.json()["type"]) == (500, "/problems/internal")
    assert "secret" not in answer.text
    assert "secret" in caplog.text


def test_scores_come_in_the_order_of_the_rows_and_of_one_version(stage: Any) -> None:
    at = "2024-03-01T12:00:00Z"
    rows = [
        {"occurred_at": at, "keys": {"buyer_id": "b_1"}, "context": {"risk": number / 100}} for number in range(100)
    ]
    answer = stage.client.post("/v1/models/claim/score", json={"rows": rows, "explain": True}, headers=stage.headers)
    assert answer.json()["digest"] == "a" * 64
    assert [score["probability"] for score in answer.json()["scores"]] == [number / 100 for number in range(100)]
    assert answer.json()["scores"][60]["acts"]
    assert answer.json()["scores"][60]["unknown"] == ["seller"]
    many = {"rows": [*rows, rows[0]]}
    assert stage.client.post("/v1/models/claim/score", json=many, headers=stage.headers).status_code == 400


def test_an_event_far_from_now_is_refused_where_the_clock_is_the_walls(stage: Any) -> None:
    workspace = stage.service.workspace
    stage.service.workspace = replace(workspace, marketplace=replace(workspace.marketplace, clock="wall"))
    assert stage.ask().status_code == 422
    soon = datetime.now(UTC) + timedelta(seconds=5)
    assert stage.ask(occurred_at=soon.isoformat()).status_code == 200
    assert stage.ask(occurred_at=None).status_code == 200


def test_the_figures_count_what_was_answered(stage: Any) -> None:
    counted = {
        'governance_decisions_total{action="allow",point="checkout"}': 1,
        'governance_requests_total{route="/v1/decisions",status="404"}': 1,
    }
    before = _figures(stage)
    for _ in range(2):
        # What is told again was decided once.
        stage.ask(request_id="r_1")
    stage.ask("nowhere")
    after = _figures(stage)
    # Where the library keeps figures in files, those of earlier services of this process are among them.
    assert {name: after[name] - before.get(name, 0) for name in counted} == counted


def _figures(stage: Any) -> dict[str, float]:
    lines = [line.rsplit(" ", 1) for line in stage.get("/metrics").text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, value in lines}


def test_the_page_of_the_api_shows_every_route_and_loads_nothing_from_elsewhere(stage: Any) -> None:
    page, document = stage.client.get("/docs").text, stage.client.get("/docs/openapi.json").json()
    assert "<script" not in page
    assert "http://" not in page
    assert "https://" not in page
    assert all(path in page for path in document["paths"])
    assert {"/v1/decisions/{name}", "/v1/models/{name}/score", "/health/ready"} <= document["paths"].keys()


def _never_explore(stage: Any) -> None:
    object.__setattr__(stage.service.engine, "draw", lambda: 0.999)


def _eventually(holds: Callable[[], Any]) -> None:
    deadline = datetime.now(UTC) + timedelta(seconds=10)
    while not holds():
        assert datetime.now(UTC) < deadline
