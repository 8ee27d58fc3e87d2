"""The direct readers answer what Feast's SDK answers, on real stores, also while servers hang, break and come back."""

import asyncio
import contextlib
import os
import shutil
import signal
import sqlite3
import subprocess
import time
from collections.abc import Callable, Coroutine, Iterator, Mapping, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from benchmarks.servers import PROGRAM, RedisServer, free_port
from feature_repo.online import materialize_view
from feature_repo.online_reader import OnlineFeatures, OnlineReader, SdkReader, Wanted, open_reader
from governance.contracts.schema import Kind
from governance.errors import ConfigurationError, StoreError
from governance.features.view import Measure, Rate, View

NOW = datetime(2024, 6, 1, tzinfo=UTC)
LONG = "x" * 100
PATIENT = 30.0


def view(name: str, key: str) -> View:
    return View(
        name=name,
        key=key,
        meaning=f"What a {name} did",
        measures=(
            Measure(name="orders", table="orders", meaning="Orders"),
            Measure(name="cases", table="cases", meaning="Cases"),
        ),
        rates=(Rate(name="case_rate", numerator="cases", denominator="orders", meaning="Cases per order"),),
        code_version="1",
    )


BUYER, SELLER, HISTORY = view("buyer", "buyer_id"), view("seller", "seller_id"), view("seller_history", "seller_id")
VIEWS = (BUYER, SELLER, HISTORY)
LANDED: Mapping[str, Mapping[str, int | None]] = {
    "buyer": {"b1": 3, "b2": None, "Ü ß": -7, LONG: 2**40},
    "seller": {"s1": 200, "s2": 0, "*?[x]\\": -(2**62)},
    "seller_history": {"s1": 1},
}
REQUESTS = [
    {"buyer_id": "b1", "seller_id": "s1"},
    {"buyer_id": "b2", "seller_id": "s2"},
    {"buyer_id": "Ü ß", "seller_id": "*?[x]\\", "product_id": "nobody asks"},
    {"buyer_id": LONG, "seller_id": LONG},
    {"seller_id": "s1"},
    {"buyer_id": "nobody"},
    {},
]

Read = Callable[[OnlineReader], Coroutine[Any, Any, Any]]


@pytest.fixture
def filled(anywhere: Any) -> Any:
    """Three views online, two of them of one entity, on SQLite and on Redis."""
    return fill(anywhere)


@pytest.fixture
def on_redis(production: Any) -> Any:
    return fill(production)


@pytest.fixture
def on_sqlite(workspace: Any) -> Any:
    return fill(workspace)


def fill(workspace: Any) -> Any:
    store = workspace.open()
    workspace.apply(store, VIEWS)
    for one in VIEWS:
        workspace.land(one, 0, LANDED[one.name])
        materialize_view(store, one, now=NOW)
    return store


def reading(reader: OnlineReader, read: Read) -> Any:
    """Do something with a reader on a loop of its own, and close it."""

    async def do() -> Any:
        try:
            return await read(reader)
        finally:
            await reader.close()

    return asyncio.run(do())


def answers(reader: OnlineReader, requests: Sequence[Mapping[str, str]] = REQUESTS) -> list[OnlineFeatures]:
    found: list[OnlineFeatures] = reading(reader, lambda one: one.read(requests, deadline_seconds=PATIENT))
    return found


def sdk(store: Any, views: Sequence[View] = VIEWS) -> SdkReader:
    return SdkReader(store, [Wanted(one, store.get_feature_view(one.name), one.features) for one in views])


def test_the_reader_answers_what_the_sdk_answers(filled: Any) -> None:
    reader = open_reader(filled, VIEWS)
    assert not isinstance(reader, SdkReader)
    found = answers(reader)
    assert found == answers(sdk(filled))
    assert found[0].values["buyer_orders_30d"] == 3
    assert [sorted(name for name, time in one.times.items() if time) for one in found] == [
        ["buyer", "seller", "seller_history"],
        ["buyer", "seller"],
        ["buyer", "seller"],
        ["buyer"],
        ["seller", "seller_history"],
        [],
        [],
    ]
    assert {frozenset(one.values) for one in found} == {frozenset(name for v in VIEWS for name in v.feature_names)}


def test_only_the_features_that_are_wanted_are_read_but_the_times_of_all_views(filled: Any) -> None:
    wanted = ("buyer_case_rate_7d", "seller_orders_lifetime", "seller_orders_1d")
    found = answers(open_reader(filled, VIEWS, features=wanted))
    whole = answers(open_reader(filled, VIEWS))
    assert [one.values for one in found] == [{name: one.values[name] for name in wanted} for one in whole]
    assert [one.times for one in found] == [one.times for one in whole]


def test_what_is_materialized_meanwhile_is_read_next(anywhere: Any) -> None:
    store = fill(anywhere)

    async def before_and_after(reader: OnlineReader) -> list[Any]:
        ask = [{"buyer_id": "b1"}]
        before = await reader.read(ask, deadline_seconds=PATIENT)
        anywhere.land(BUYER, 1, {"b1": 4})
        materialize_view(store, BUYER, now=NOW)
        return [one[0].values["buyer_orders_1d"] for one in (before, await reader.read(ask, deadline_seconds=PATIENT))]

    assert reading(open_reader(store, VIEWS), before_and_after) == [3, 4]


def test_rows_of_an_older_layout_lack_what_it_did_not_have(anywhere: Any) -> None:
    store = fill(anywhere)
    wider = View(**{**vars_of(BUYER), "measures": (*BUYER.measures, Measure(name="new", table="new", meaning="New"))})
    anywhere.apply(store, [wider, SELLER, HISTORY])
    views = (wider, SELLER, HISTORY)
    found = answers(open_reader(store, views))
    assert found == answers(sdk(store, views))
    assert (found[0].values["buyer_orders_1d"], found[0].values["buyer_new_1d"]) == (3, None)


def vars_of(one: View) -> dict[str, Any]:
    return {name: getattr(one, name) for name in ("name", "key", "meaning", "measures", "rates", "code_version")}


def test_a_row_that_feast_itself_pushed_is_read_as_the_sdk_reads_it(filled: Any) -> None:
    import pandas as pd

    rates = dict.fromkeys((feature.name for feature in BUYER.features if feature.kind is Kind.FLOAT), 0.125)
    counts = {name: 5 for name in BUYER.feature_names if name not in rates}
    row = {"buyer_id": "b9", "event_timestamp": NOW, "created": NOW, **counts, **rates}
    filled.write_to_online_store("buyer", pd.DataFrame([row]))
    asked = [{"buyer_id": "b9"}]
    found = answers(open_reader(filled, [BUYER]), asked)
    assert found == answers(sdk(filled, [BUYER]), asked)
    assert found[0].values["buyer_case_rate_1d"] == 0.125


def test_a_view_that_nobody_applied_is_refused(filled: Any) -> None:
    with pytest.raises(ConfigurationError, match="no feature view product; apply it"):
        open_reader(filled, [view("product", "product_id")])


def test_a_store_that_is_not_ours_is_read_by_the_sdk(on_redis: Any) -> None:
    config = on_redis.config.model_copy(deep=True)
    config.online_store.redis_type = "redis_cluster"
    on_redis.config = config
    assert isinstance(open_reader(on_redis, VIEWS), SdkReader)


def test_many_reads_at_once_get_each_their_own_answer(filled: Any) -> None:
    async def all_at_once(reader: OnlineReader) -> list[Any]:
        asked = [REQUESTS[number % len(REQUESTS)] for number in range(300)]
        found = await asyncio.gather(*(reader.read([one], deadline_seconds=PATIENT) for one in asked))
        return [one for (one,) in found]

    expected = answers(open_reader(filled, VIEWS))
    found = reading(open_reader(filled, VIEWS), all_at_once)
    assert found == [expected[number % len(REQUESTS)] for number in range(300)]


def test_a_database_that_is_not_there_is_an_error_and_not_an_unknown_entity(on_sqlite: Any, tmp_path: Path) -> None:
    database = Path(on_sqlite.config.online_store.path)
    reader = open_reader(on_sqlite, VIEWS)
    database.rename(tmp_path / "elsewhere.db")

    async def without_then_with(reader: OnlineReader) -> Any:
        with pytest.raises(StoreError, match="govern repair online"):
            await reader.read(REQUESTS)
        (tmp_path / "elsewhere.db").rename(database)
        return await reader.read(REQUESTS)

    assert reading(reader, without_then_with) == answers(open_reader(on_sqlite, VIEWS))


def test_readers_of_sqlite_do_not_wait_for_a_writer(on_sqlite: Any) -> None:
    with closing(sqlite3.connect(on_sqlite.config.online_store.path)) as writer:
        writer.execute("BEGIN IMMEDIATE")
        writer.execute('DELETE FROM "governance_buyer"')
        assert answers(open_reader(on_sqlite, VIEWS))[0].values["buyer_orders_1d"] == 3


@contextlib.contextmanager
def stopped(process: int) -> Iterator[None]:
    """A process that is there and does nothing, as a machine that swaps."""
    os.kill(process, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(process, signal.SIGCONT)


def test_a_server_that_hangs_fails_reads_by_their_deadline_and_answers_the_right_ones_afterwards(
    on_redis: Any, redis_process: RedisServer
) -> None:
    async def hang(reader: OnlineReader) -> Any:
        await reader.read(REQUESTS, deadline_seconds=PATIENT)
        with stopped(redis_process.process_id):
            began = time.monotonic()
            late = [reader.read([one], deadline_seconds=0.1) for one in REQUESTS[:3]]
            failed = await asyncio.gather(*late, return_exceptions=True)
            waited = time.monotonic() - began
        # What comes late is nobody's, and above all not the next reader's.
        return failed, waited, await reader.read(REQUESTS[::-1], deadline_seconds=PATIENT)

    failed, waited, found = reading(open_reader(on_redis, VIEWS), hang)
    assert [type(one) for one in failed] == [StoreError] * 3
    assert "no reply within 100 ms" in str(failed[0])
    assert waited < 5
    assert found == answers(open_reader(on_redis, VIEWS))[::-1]


def test_a_server_that_hangs_is_waited_for_by_few(on_redis: Any, redis_process: RedisServer) -> None:
    async def hang(reader: OnlineReader) -> list[str]:
        await reader.read(REQUESTS, deadline_seconds=PATIENT)
        told = []
        with stopped(redis_process.process_id):
            with pytest.raises(StoreError, match="no reply within 300 ms"):
                await reader.read(REQUESTS, deadline_seconds=0.3)
            # However patient, they are told at once: on the old connection, and while a new one is attempted in vain.
            until = time.monotonic() + 2
            while time.monotonic() < until:
                with pytest.raises(StoreError) as failed:
                    await asyncio.wait_for(reader.read(REQUESTS, deadline_seconds=0.5), 5)
                told.append(str(failed.value))
                await asyncio.sleep(0.001)
        return told

    told = reading(open_reader(on_redis, VIEWS), hang)
    waited = [one for one in told if "within" in one or "in time" in one]
    assert len(waited) < 3 < 100 < len(told)


def test_a_connection_that_has_been_silent_for_long_is_given_up(on_redis: Any, redis_process: RedisServer) -> None:
    async def silence(reader: Any) -> Any:
        await reader.read(REQUESTS, deadline_seconds=PATIENT)
        first = reader._connection._open
        with stopped(redis_process.process_id):
            for seconds in (1.05, 0.05):
                with pytest.raises(StoreError):
                    await reader.read(REQUESTS, deadline_seconds=seconds)
        found = await reader.read(REQUESTS, deadline_seconds=PATIENT)
        return found, first is reader._connection._open

    found, same = reading(open_reader(on_redis, VIEWS), silence)
    assert found == answers(open_reader(on_redis, VIEWS))
    assert not same


def test_a_broken_connection_is_made_again(on_redis: Any, redis_client: Any) -> None:
    async def broken(reader: OnlineReader) -> Any:
        await reader.read(REQUESTS, deadline_seconds=PATIENT)
        redis_client.execute_command("CLIENT", "KILL", "TYPE", "normal", "SKIPME", "yes")
        with contextlib.suppress(StoreError):
            await reader.read(REQUESTS, deadline_seconds=PATIENT)
        return await reader.read(REQUESTS, deadline_seconds=PATIENT)

    assert reading(open_reader(on_redis, VIEWS), broken) == answers(open_reader(on_redis, VIEWS))


def test_a_server_that_is_away_is_named_and_found_again_when_it_is_back(on_redis: Any, tmp_path: Path) -> None:
    port = free_port()
    config = on_redis.config.model_copy(deep=True)
    config.online_store.connection_string = f"127.0.0.1:{port},db=3"
    on_redis.config = config

    async def away_and_back(reader: OnlineReader) -> Any:
        for _ in range(2):
            with pytest.raises(StoreError, match=rf"127.0.0.1:{port} does not answer.*GOVERNANCE_REDIS"):
                await reader.read(REQUESTS, deadline_seconds=PATIENT)
        with subprocess.Popen([PROGRAM, "--port", str(port), "--save", "", "--dir", tmp_path]) as server:
            found = await until_it_answers(reader)
            server.terminate()
        return found

    found = reading(open_reader(on_redis, VIEWS), away_and_back)
    assert [set(one.times.values()) for one in found] == [{None}] * len(REQUESTS)


async def until_it_answers(reader: OnlineReader) -> Any:
    deadline = time.monotonic() + PATIENT
    while time.monotonic() < deadline:
        with contextlib.suppress(StoreError):
            return await reader.read(REQUESTS, deadline_seconds=PATIENT)
        await asyncio.sleep(0.02)
    raise AssertionError("Redis did not come up")


def test_a_password_is_asked_for_and_never_told(on_redis: Any, redis_client: Any) -> None:
    redis_client.config_set("requirepass", "s3cret")
    try:
        outcomes = [outcome(on_redis, more) for more in (",password=s3cret", ",username=default,password=s3cret", "")]
        wrong = outcome(on_redis, ",password=wr0ng")
    finally:
        redis_client.config_set("requirepass", "")
    assert outcomes[0] == outcomes[1] == answers(open_reader(on_redis, VIEWS))
    assert "NOAUTH" in str(outcomes[2])
    assert "WRONGPASS" in str(wrong)
    assert "wr0ng" not in str(wrong)


def test_an_encrypted_connection_is_checked_against_its_authority(on_redis: Any, tmp_path: Path) -> None:
    if shutil.which("openssl") is None:
        pytest.skip("openssl is not installed: apt-get install -y --no-install-recommends openssl")
    key, certificate, port = tmp_path / "key.pem", tmp_path / "certificate.pem", free_port()
    made = ["-nodes", "-days", "2", "-subj", "/CN=redis", "-addext", "subjectAltName=IP:127.0.0.1"]
    files = ["-keyout", str(key), "-out", str(certificate)]
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", *made, *files], check=True, capture_output=True)
    tls = ["--tls-port", str(port), "--tls-cert-file", certificate, "--tls-key-file", key, "--tls-auth-clients", "no"]

    async def encrypted(reader: OnlineReader) -> Any:
        return await until_it_answers(reader)

    def reader_with(settings: str) -> OnlineReader:
        config = on_redis.config.model_copy(deep=True)
        config.online_store.connection_string = f"127.0.0.1:{port},ssl=true{settings}"
        on_redis.config = config
        return open_reader(on_redis, VIEWS)

    with subprocess.Popen([PROGRAM, "--port", "0", *tls, "--save", "", "--dir", tmp_path]) as server:
        found = reading(reader_with(f",ssl_ca_certs={certificate}"), encrypted)
        unchecked = reading(reader_with(",ssl_cert_reqs=none"), encrypted)
        with pytest.raises(StoreError, match="certificate verify failed"):
            answers(reader_with(""))
        server.terminate()
    assert [one.times for one in found] == [one.times for one in unchecked]
    assert {time for one in found for time in one.times.values()} == {None}


def outcome(store: Any, more: str) -> Any:
    """What a reader with these settings more answers, or the error that it raises."""
    config, kept = store.config.model_copy(deep=True), store.config
    config.online_store.connection_string += more
    store.config = config
    try:
        return answers(open_reader(store, VIEWS))
    except StoreError as error:
        return error
    finally:
        store.config = kept
