"""Many writers at once on the stores that must survive them: a folder, and a real S3 server (Ceph)."""

import json
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest

from governance.errors import ConflictError
from governance.storage.objects import LocalObjects, ObjectStore
from governance.storage.objects_s3 import S3Objects, open_s3

WRITERS = 10
BUCKET = "governance-races"
SERVER = Path(__file__).parents[2] / "services" / "radosgw.py"
PROGRAMS = ("radosgw", "radosgw-admin", "ceph-mon", "ceph-osd", "ceph", "monmaptool", "ceph-authtool")


def race(write: Callable[[int], str]) -> list[str]:
    """Let all writers start at once; the tags of those that did not lose."""
    barrier = Barrier(WRITERS)

    def run(number: int) -> str | None:
        barrier.wait()
        try:
            return write(number)
        except ConflictError:
            return None

    with ThreadPoolExecutor(WRITERS) as pool:
        return [tag for tag in pool.map(run, range(WRITERS)) if tag is not None]


def race_for(objects: ObjectStore, key: str) -> None:
    created = race(lambda number: objects.put_new(key, b"new %d" % number))
    assert len(created) == 1
    moved = race(lambda number: objects.replace(key, b"moved %d" % number, etag=created[0]))
    assert len(moved) == 1
    stored = objects.get(key)
    assert stored is not None
    assert stored.etag == moved[0]


def test_of_ten_threads_one_wins_in_a_folder(tmp_path: Path) -> None:
    for turn in range(5):
        race_for(LocalObjects(tmp_path), f"pointer-{turn}")


RACER = """
import sys
from pathlib import Path
from governance.errors import ConflictError
from governance.storage.objects import LocalObjects
objects, me, etag = LocalObjects(Path(sys.argv[1])), sys.argv[2].encode(), sys.argv[3]
print("ready", flush=True)
sys.stdin.readline()
for turn in range(20):
    for act in ("new", "moved"):
        try:
            if act == "new":
                objects.put_new(f"new-{turn}", me)
            else:
                objects.replace(f"old-{turn}", me, etag=etag)
            print(act, turn)
        except ConflictError:
            pass
"""


def test_of_four_processes_one_wins_in_a_folder(tmp_path: Path) -> None:
    objects = LocalObjects(tmp_path)
    [etag] = {objects.put_new(f"old-{turn}", b"old") for turn in range(20)}
    command = [sys.executable, "-c", RACER, str(tmp_path)]
    racers = [
        subprocess.Popen([*command, str(number), etag], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        for number in range(4)
    ]
    for racer in racers:
        assert racer.stdout is not None
        assert racer.stdout.readline() == "ready\n"
    for racer in racers:
        assert racer.stdin is not None
        racer.stdin.write("go\n")
        racer.stdin.flush()
    wins = [line for racer in racers for line in racer.communicate()[0].splitlines()]
    assert [racer.returncode for racer in racers] == [0, 0, 0, 0]
    assert sorted(wins) == sorted(f"{act} {turn}" for act in ("new", "moved") for turn in range(20))


@pytest.fixture(scope="module")
def ceph() -> Iterator[S3Objects]:
    import boto3

    if missing := [program for program in PROGRAMS if shutil.which(program) is None]:
        pytest.skip(f"no {', '.join(missing)} here: install Debian's radosgw, ceph-mon and ceph-osd to test on real S3")
    with subprocess.Popen(
        [sys.executable, str(SERVER)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as server:
        assert server.stdout is not None
        facts = json.loads(server.stdout.readline())
        keys = {"access_key": facts["access_key"], "secret_key": facts["secret_key"]}
        client = boto3.client(
            "s3",
            endpoint_url=facts["endpoint"],
            region_name="us-east-1",
            aws_access_key_id=keys["access_key"],
            aws_secret_access_key=keys["secret_key"],
        )
        client.create_bucket(Bucket=BUCKET)
        client.close()
        yield open_s3(f"s3://{BUCKET}/races", endpoint_url=facts["endpoint"], **keys)
        # Closing its standard input, as leaving the block does, stops the server.


@pytest.mark.long
def test_of_ten_threads_one_wins_on_a_real_s3_server(ceph: S3Objects) -> None:
    for turn in range(10):
        race_for(ceph, f"pointer-{turn}")


@pytest.mark.long
def test_a_real_s3_server_keeps_the_promise_that_moto_is_tested_on(ceph: S3Objects) -> None:
    ceph.probe()
    assert ceph.get("absent") is None
    etag = ceph.put_new("folder/pointer", b"1")
    with pytest.raises(ConflictError):
        ceph.put_new("folder/pointer", b"1")
    moved = ceph.replace("folder/pointer", b"2", etag=etag)
    for key, stale in (("folder/pointer", etag), ("absent", moved)):
        with pytest.raises(ConflictError):
            ceph.replace(key, b"3", etag=stale)
    stored = ceph.get("folder/pointer")
    assert stored is not None
    assert (stored.data, stored.etag) == (b"2", moved)
    assert ceph.list("folder/") == ["folder/pointer"]
