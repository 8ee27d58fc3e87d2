"""What tests of the release share: both object stores, evidence that passes every gate, and a desk to work at."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from governance.models.spec import GateBounds
from governance.release.evidence import Evidence, Interval, Verdict
from governance.release.gates import judge
from governance.release.records import Pointer, sha256
from governance.release.registry import Registry
from governance.release.traffic import Ramp, Traffic
from governance.storage.objects import LocalObjects, ObjectStore
from governance.storage.objects_s3 import S3Objects

# Where `odd_stores` can be imported from.
sys.path.append(str(Path(__file__).parent))

BUCKET = "governance-release"


@pytest.fixture(scope="session")
def s3_client() -> Iterator[Any]:
    import boto3
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    client = boto3.client(
        "s3",
        endpoint_url=f"http://{host}:{port}",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
    )
    client.create_bucket(Bucket=BUCKET)
    yield client
    client.close()
    server.stop()


@pytest.fixture(params=["folder", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        return LocalObjects(tmp_path / "store")
    return S3Objects(BUCKET, f"case-{tmp_path.name}", request.getfixturevalue("s3_client"))


@pytest.fixture(scope="session")
def good() -> Evidence:
    return Evidence(
        single_feature="seller_orders_30d",
        single_feature_auc=0.71,
        time_shuffle_gain=0.01,
        rows_from_the_future=0,
        reload_difference=0.0,
        personal_inputs=(),
        schema_differences=(),
        missing_share_shift=0.02,
        missing_share_feature="seller_complaint_rate_90d",
        latency_p99_ms=3.5,
        positives=240,
        ap_minus_base_rate=Interval(0.20, 0.15, 0.25),
        ap_minus_rules=Interval(0.05, 0.01, 0.09),
        ap_minus_champion=Interval(0.00, -0.01, 0.01),
        calibration_error=0.01,
        calibration_ratio=1.1,
        worst_slice="market=north",
        slice_auc_drop=0.05,
        unseen_auc_drop=0.03,
    )


AT = datetime(2026, 3, 1, 12, tzinfo=UTC)
FIRST_WEEK = date(2026, 1, 5)


class Desk:
    """A registry and somebody who works at it: candidates by number, each a week newer than the one before."""

    name = "claim"

    def __init__(self, objects: ObjectStore, good: Evidence) -> None:
        self.registry = Registry(objects)
        self._good = good

    def files(self, number: int) -> dict[str, bytes]:
        return {"model.txt": b"tree %d" % number, "threshold.json": b"{}"}

    def digest(self, number: int) -> str:
        return sha256(b"candidate %d" % number)

    def as_of(self, number: int) -> date:
        return FIRST_WEEK + timedelta(weeks=number)

    def verdict(self, number: int, *, status: str = "passed") -> Verdict:
        changes: dict[str, dict[str, Any]] = {"passed": {}, "kept": {"positives": 5}, "failed": {"latency_p99_ms": 1e3}}
        verdict = judge(self.name, self.digest(number), replace(self._good, **changes[status]), GateBounds())
        assert verdict.status == status
        return verdict

    def record(self, number: int, *, as_of: date | None = None) -> str:
        facts = {"as_of": as_of or self.as_of(number), "ap": 0.25, "commit": "abc"}
        self.registry.record(self.name, self.digest(number), self.files(number), facts)
        return self.digest(number)

    def candidate(self, number: int, *, status: str = "passed", as_of: date | None = None) -> str:
        self.record(number, as_of=as_of)
        self.registry.attach(self.verdict(number, status=status))
        return self.digest(number)

    def promote(self, number: int, *, who: str = "ana", expect: int | None = None) -> Pointer:
        return self.registry.promote(
            self.name, self.digest(number), who=who, reason="newest passing", at=AT, expect=expect
        )

    def rollback(self, *, who: str = "ben", expect: int | None = None) -> Pointer:
        return self.registry.rollback(self.name, who=who, reason="refunds doubled", at=AT, expect=expect)

    def override(self, number: int, *, expect: int | None = None) -> Pointer:
        return self.registry.override(
            self.name,
            self.digest(number),
            who="ana",
            second="ben",
            reason="refunds are rising",
            at=AT,
            until=AT + timedelta(days=3),
            expect=expect,
        )

    def refuse(self, number: int) -> None:
        self.registry.refuse(self.name, self.digest(number), who="ana", reason="seen in review", at=AT)

    def allow(self, number: int) -> None:
        self.registry.allow(self.name, self.digest(number), who="ana", reason="looked again", at=AT)

    def wish(self, *, who: str = "ana", at: datetime = AT, **more: Any) -> dict[str, Any]:
        return {"who": who, "reason": "to see it in traffic", "at": at, **more}

    def shadow(self, number: int, **wish: Any) -> Pointer:
        return self.registry.shadow(self.name, self.digest(number), **self.wish(**wish))

    def canary(self, number: int, *, share: float | None = 0.1, ramp: Ramp | None = None, **wish: Any) -> Pointer:
        return self.registry.canary(self.name, self.digest(number), share=share, ramp=ramp, **self.wish(**wish))

    def end_canary(self, **wish: Any) -> Pointer | None:
        return self.registry.end_canary(self.name, **self.wish(**wish))

    @property
    def traffic(self) -> Traffic:
        return self.registry.serving(self.name).traffic

    def champion(self) -> str | None:
        pointer = self.registry.pointer(self.name)
        return pointer.champion if pointer else None

    def next(self) -> str | None:
        candidate = self.registry.next_champion(self.name)
        return candidate.digest if candidate else None


@pytest.fixture
def desk(objects: ObjectStore, good: Evidence) -> Desk:
    return Desk(objects, good)


@pytest.fixture(scope="session")
def new_desk(good: Evidence) -> Callable[[ObjectStore], Desk]:
    """Desks at stores that a test makes itself."""
    return lambda objects: Desk(objects, good)
