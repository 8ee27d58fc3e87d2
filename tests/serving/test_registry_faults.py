"""A running service whose registry is lost, damaged or moved: it answers on with the last good model, and says so."""

import json
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import boto3
import pytest
from serving_process import CHECKOUT, ORDER, Callers, Running, served

from benchmarks.servers import free_port, wait_until_it_answers
from governance.models.artifact import THRESHOLD, files_digest
from governance.release.pointers import Pointers
from governance.release.registry import Registry
from governance.storage.objects import LocalObjects
from governance.workspace import Workspace

pytestmark = pytest.mark.long

BUCKET = "governance-registry"
PATIENCE_SECONDS = 60.0


@dataclass
class Loaded:
    """A service that is asked without a pause, and the registry that it follows."""

    running: Running
    callers: Callers
    workspace: Workspace

    @property
    def registry(self) -> Registry:
        return self.workspace.registry

    @property
    def objects(self) -> Path:
        return Path(self.workspace.objects_url)

    def serves(self) -> str:
        """The champion that is loaded."""
        models = self.running.ask("GET", "/v1/models").body
        [found] = [
            version["digest"]
            for model in models
            for version in model["versions"]
            if (model["name"], version["role"]) == ("claim", "champion")
        ]
        return str(found)

    def flagged(self) -> bool:
        return "model:claim" in self.running.ask("GET", "/health/ready").body["degraded"]

    def digests(self) -> list[list[str]]:
        """Which models scored each answer, in order of time."""
        answers = sorted(self.callers.answers, key=lambda answer: answer.at)
        return [[score["digest"] for score in answer.body["scores"]] for answer in answers]


def wait_until(holds: Callable[[], bool]) -> None:
    """Look until something holds."""
    end = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < end, "it does not happen"
        threading.Event().wait(0.05)


@pytest.fixture
def loaded(own_settled: Path, bazaar_at: Callable[..., Workspace]) -> Iterator[Loaded]:
    """The service while it is asked; afterwards no answer may have failed or have gone without a score."""
    with served(own_settled) as running:
        # One at a time: of two, an earlier answer may be noted later.
        callers = Callers(running, CHECKOUT, ORDER, threads=1)
        found = Loaded(running, callers, bazaar_at(own_settled))
        with callers.asking():
            yield found
        assert callers.failures == []
        assert {(answer.status, tuple(answer.body["degraded"])) for answer in callers.answers} == {(200, ())}
        assert {len(scored) for scored in found.digests()} == {1}


def another(registry: Registry) -> str:
    """A candidate that passed, like the champion but for its threshold, and a day newer."""
    pointer = registry.pointer("claim")
    assert pointer is not None
    record, verdict = registry.recorded("claim", pointer.champion), registry.verdict("claim", pointer.champion)
    assert record is not None
    assert verdict is not None
    files = registry.files("claim", pointer.champion)
    threshold: dict[str, Any] = json.loads(files[THRESHOLD])
    files[THRESHOLD] = json.dumps({**threshold, "value": threshold["value"] * 0.99}).encode()
    digest = files_digest(files)
    facts = {**record.facts, "digest": digest, "as_of": record.as_of + timedelta(days=1)}
    registry.record("claim", digest, files, facts)
    registry.attach(replace(verdict, digest=digest))
    return digest


def signed(reason: str) -> dict[str, Any]:
    return {"who": "ana", "reason": reason, "at": datetime.now(UTC)}


def test_a_registry_that_is_gone_leaves_the_last_good_model_and_what_moved_meanwhile_follows_when_it_is_back(
    loaded: Loaded,
) -> None:
    before, newer, away = loaded.serves(), another(loaded.registry), loaded.objects.with_name("away")
    loaded.objects.rename(away)
    wait_until(loaded.flagged)
    assert loaded.serves() == before
    Registry(LocalObjects(away)).promote("claim", newer, **signed("newest"))
    away.rename(loaded.objects)
    wait_until(lambda: loaded.serves() == newer and not loaded.flagged())
    assert in_turn(loaded) == [before, newer]


def test_a_damaged_pointer_leaves_the_last_good_model_until_it_is_put_back(loaded: Loaded) -> None:
    pointer = loaded.objects / "models" / "claim" / "serving.json"
    before, whole = loaded.serves(), pointer.read_bytes()
    pointer.write_bytes(whole[: len(whole) // 2])
    wait_until(loaded.flagged)
    assert loaded.serves() == before
    pointer.write_bytes(whole)
    wait_until(lambda: not loaded.flagged())
    assert in_turn(loaded) == [before]


def test_a_corrupt_artifact_is_not_served_and_the_way_back_needs_no_restart(loaded: Loaded) -> None:
    before, newer = loaded.serves(), another(loaded.registry)
    pointers = Pointers(LocalObjects(loaded.objects))
    serving = pointers.read("claim")
    assert serving.pointer is not None
    # The registry itself would refuse it: the disk goes bad between its look and the service's.
    file = loaded.objects / "models" / "claim" / newer / "model.txt"
    data = bytearray(file.read_bytes())
    data[len(data) // 2] ^= 1
    file.write_bytes(data)
    moved = replace(serving.pointer, champion=newer, previous=before, generation=serving.generation + 1)
    pointers.move(serving, moved)
    wait_until(loaded.flagged)
    assert loaded.serves() == before
    loaded.registry.rollback("claim", **signed("a bad disk"))
    wait_until(lambda: not loaded.flagged())
    assert in_turn(loaded) == [before]


def test_a_canary_comes_and_ends_while_requests_are_answered_and_none_is_mixed(loaded: Loaded) -> None:
    before, newer = loaded.serves(), another(loaded.registry)
    loaded.registry.canary("claim", newer, share=1.0, **signed("to see it"))
    wait_until(lambda: loaded.digests()[-1] == [newer])
    loaded.registry.end_canary("claim", **signed("seen enough"))
    wait_until(lambda: loaded.digests()[-1] == [before])
    assert in_turn(loaded) == [before, newer, before]


@dataclass
class S3:
    """An S3 server that a test may kill; it keeps its objects in memory, so that they are put again when it starts."""

    folder: Path
    port: int = field(default_factory=free_port)
    process: "subprocess.Popen[bytes] | None" = None

    @property
    def environment(self) -> dict[str, str]:
        return {
            "GOVERNANCE_OBJECTS": f"s3://{BUCKET}/registry",
            "AWS_ENDPOINT_URL": f"http://127.0.0.1:{self.port}",
            "AWS_ACCESS_KEY_ID": "test",
            "AWS_SECRET_ACCESS_KEY": "test",
        }

    def start(self) -> None:
        words = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        self.process = subprocess.Popen(words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        wait_until_it_answers(self.port, self.process)
        client = boto3.client(
            "s3",
            endpoint_url=self.environment["AWS_ENDPOINT_URL"],
            region_name="us-east-1",
            aws_access_key_id=self.environment["AWS_ACCESS_KEY_ID"],
            aws_secret_access_key=self.environment["AWS_SECRET_ACCESS_KEY"],
        )
        client.create_bucket(Bucket=BUCKET)
        for file in self.folder.rglob("*"):
            if file.is_file():
                client.upload_file(str(file), BUCKET, f"registry/{file.relative_to(self.folder)}")
        client.close()

    def kill(self) -> None:
        assert self.process
        self.process.kill()
        self.process.wait()


@pytest.fixture
def s3(own_settled: Path, bazaar_at: Callable[..., Workspace]) -> Iterator[S3]:
    """One that holds the registry of the settled marketplace."""
    server = S3(Path(bazaar_at(own_settled).objects_url))
    server.start()
    yield server
    server.kill()


def test_an_s3_server_that_dies_leaves_the_last_good_model_and_is_followed_again_when_it_is_back(
    s3: S3, own_settled: Path, bazaar_at: Callable[..., Workspace]
) -> None:
    with served(own_settled, **s3.environment) as running:
        callers = Callers(running, CHECKOUT, ORDER, threads=1)
        loaded = Loaded(running, callers, bazaar_at(own_settled))
        before = loaded.serves()
        with callers.asking():
            s3.kill()
            wait_until(loaded.flagged)
            assert loaded.serves() == before
            newer = another(loaded.registry)
            loaded.registry.promote("claim", newer, **signed("newest"))
            s3.start()
            wait_until(lambda: loaded.serves() == newer and not loaded.flagged())
            callers.wait_for(lambda answer: answer.status == 200)
    assert callers.failures == []
    assert {(answer.status, tuple(answer.body["degraded"])) for answer in callers.answers} == {(200, ())}
    assert in_turn(loaded) == [before, newer]


def in_turn(loaded: Loaded) -> list[str]:
    """The models that answered, one after the other."""
    scored = [digest for digests in loaded.digests() for digest in digests]
    return [one for one, earlier in zip(scored, [None, *scored], strict=False) if one != earlier]
