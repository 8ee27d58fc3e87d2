"""The promise of an object store, on a folder and on S3 (moto proves semantics, not concurrency)."""

import hashlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.exceptions import ClientError
from hypothesis import given
from hypothesis import strategies as st

from governance.errors import ConfigurationError, ConflictError, InputError, StoreError
from governance.storage.objects import LocalObjects, ObjectStore, Stored, open_objects, put_same, valid_key
from governance.storage.objects_s3 import S3Objects, open_s3

BUCKET = "governance-test"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    from moto.server import ThreadedMotoServer

    server = ThreadedMotoServer("127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture(scope="module")
def client(endpoint: str) -> Iterator[Any]:
    import boto3

    client = boto3.client(
        "s3", endpoint_url=endpoint, region_name="us-east-1", aws_access_key_id="test", aws_secret_access_key="test"
    )
    client.create_bucket(Bucket=BUCKET)
    yield client
    client.close()


@pytest.fixture(params=["folder", "s3"])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> ObjectStore:
    if request.param == "folder":
        return LocalObjects(tmp_path / "store")
    return S3Objects(BUCKET, f"case-{tmp_path.name}", request.getfixturevalue("client"))


def test_what_was_put_is_what_is_read(objects: ObjectStore) -> None:
    etag = objects.put_new("models/claim/card.md", b"first")
    assert objects.get("models/claim/card.md") == Stored(b"first", etag)
    assert objects.get("models/claim/other.md") is None
    assert objects.get("models/claim") is None
    assert '"' not in etag


def test_a_new_object_is_never_overwritten(objects: ObjectStore) -> None:
    etag = objects.put_new("a", b"first")
    for data in (b"second", b"first"):
        with pytest.raises(ConflictError):
            objects.put_new("a", data)
    assert objects.get("a") == Stored(b"first", etag)


def test_replacing_needs_the_tag_that_was_read(objects: ObjectStore) -> None:
    first = objects.put_new("pointer", b"1")
    second = objects.replace("pointer", b"2", etag=first)
    assert second != first
    with pytest.raises(ConflictError):
        objects.replace("pointer", b"3", etag=first)
    assert objects.get("pointer") == Stored(b"2", second)


def test_what_is_not_there_cannot_be_replaced(objects: ObjectStore) -> None:
    with pytest.raises(ConflictError):
        objects.replace("nothing", b"1", etag="0" * 32)
    assert objects.list() == []


def test_immutable_objects_take_the_same_bytes_again_and_no_others(objects: ObjectStore) -> None:
    etag = put_same(objects, "model.txt", b"tree")
    assert put_same(objects, "model.txt", b"tree") == etag
    with pytest.raises(ConflictError, match="immutable"):
        put_same(objects, "model.txt", b"other tree")
    assert objects.get("model.txt") == Stored(b"tree", etag)


def test_listing_is_by_prefix_and_sorted(objects: ObjectStore) -> None:
    for key in ("b/2", "b/10", "b.txt", "a/x/y", "bb"):
        objects.put_new(key, b"")
    assert objects.list() == ["a/x/y", "b.txt", "b/10", "b/2", "bb"]
    assert objects.list("b/") == ["b/10", "b/2"]
    assert objects.list("b") == ["b.txt", "b/10", "b/2", "bb"]
    assert objects.list("nothing/") == []


@pytest.mark.parametrize(
    "key", ["", "/etc/passwd", "a//b", "a/", "../a", "a/../b", "a/.b", ".lock", "a\nb", "a\\b", "ä"]
)
def test_keys_that_could_escape_or_confuse_are_refused(objects: ObjectStore, key: str) -> None:
    attempts: list[Callable[[], object]] = [
        lambda: objects.get(key),
        lambda: objects.put_new(key, b""),
        lambda: objects.replace(key, b"", etag="0"),
    ]
    for attempt in attempts:
        with pytest.raises(InputError):
            attempt()


def test_long_keys_are_refused() -> None:
    assert valid_key("a/" * 255 + "ab")
    with pytest.raises(InputError):
        valid_key("a/" * 255 + "abc")
    with pytest.raises(InputError):
        valid_key("a" * 201)


@pytest.mark.parametrize("prefix", ["../", "a/../", "/", "a//"])
def test_listing_cannot_leave_the_store(objects: ObjectStore, prefix: str) -> None:
    with pytest.raises(InputError):
        objects.list(prefix)


@given(st.text(alphabet="ab./_-\\ \0", max_size=12))
def test_every_accepted_key_lies_below_its_root(key: str) -> None:
    root = Path("/store")
    try:
        path = root / valid_key(key)
    except InputError:
        return
    assert ".." not in path.parts
    assert path.is_relative_to(root)
    assert path != root


def test_the_tag_of_a_file_is_its_hash_and_no_temporary_file_is_left(tmp_path: Path) -> None:
    objects = LocalObjects(tmp_path)
    etag = objects.put_new("a/b", b"1")
    assert etag == hashlib.sha256(b"1").hexdigest()
    objects.replace("a/b", b"2", etag=etag)
    with pytest.raises(ConflictError):
        objects.put_new("a/b", b"3")
    assert list((tmp_path / ".tmp").iterdir()) == []


def test_a_key_cannot_lie_below_an_object(tmp_path: Path) -> None:
    objects = LocalObjects(tmp_path)
    objects.put_new("a", b"1")
    with pytest.raises(StoreError, match="never both"):
        objects.put_new("a/b", b"2")
    assert objects.get("a/b") is None


def test_a_kill_before_the_rename_leaves_the_old_object(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = LocalObjects(tmp_path)
    etag = objects.put_new("pointer", b"old")

    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(Path, "replace", killed)
        with pytest.raises(KeyboardInterrupt):
            objects.replace("pointer", b"new", etag=etag)
    assert objects.get("pointer") == Stored(b"old", etag)
    assert objects.replace("pointer", b"new", etag=etag) == hashlib.sha256(b"new").hexdigest()


def test_a_listing_longer_than_a_page_is_whole(client: Any) -> None:
    objects = S3Objects(BUCKET, "pages", client)
    for number in range(5):
        objects.put_new(f"key-{number}", b"")

    def small_pages(params: dict[str, Any], **_: object) -> None:
        params["MaxKeys"] = 2

    event = "before-parameter-build.s3.ListObjectsV2"
    client.meta.events.register(event, small_pages)
    try:
        assert objects.list() == [f"key-{number}" for number in range(5)]
    finally:
        client.meta.events.unregister(event, small_pages)


def test_a_write_whose_answer_was_lost_is_not_taken_for_somebody_elses(client: Any) -> None:
    objects = S3Objects(BUCKET, "lost-answers", client)

    def lose_the_first_answer(attempts: int, **_: object) -> int | None:
        return 0 if attempts == 1 else None

    event = "needs-retry.s3.PutObject"
    client.meta.events.register_first(event, lose_the_first_answer)
    try:
        first = objects.put_new("pointer", b"mine")
        assert objects.get("pointer") == Stored(b"mine", first)
        second = objects.replace("pointer", b"mine, moved", etag=first)
        assert objects.get("pointer") == Stored(b"mine, moved", second)
        with pytest.raises(ConflictError):
            objects.put_new("pointer", b"another's")
    finally:
        client.meta.events.unregister(event, lose_the_first_answer)


@pytest.mark.parametrize(
    ("standing", "outcome"),
    [(b"read", StoreError), (b"another's", ConflictError), (b"mine", None)],
    ids=["nothing happened", "another landed", "it landed"],
)
def test_after_a_server_error_what_stands_tells_who_won(
    client: Any, standing: bytes, outcome: type[StoreError] | None
) -> None:
    class Failing:
        """A client of a server that fails after it has done something."""

        get_object = client.get_object

        def put_object(self, **arguments: Any) -> None:
            client.put_object(Bucket=arguments["Bucket"], Key=arguments["Key"], Body=standing)
            answer = {"Error": {"Code": "UnknownError"}, "ResponseMetadata": {"HTTPStatusCode": 500}}
            raise ClientError(answer, "PutObject")

    etag = S3Objects(BUCKET, f"errors-{standing[0]}", client).put_new("pointer", b"read")
    objects = S3Objects(BUCKET, f"errors-{standing[0]}", Failing())
    if outcome is None:
        landed = objects.replace("pointer", b"mine", etag=etag)
        assert objects.get("pointer") == Stored(b"mine", landed)
        return
    with pytest.raises(StoreError) as caught:
        objects.replace("pointer", b"mine", etag=etag)
    assert type(caught.value) is outcome


def test_a_server_that_honours_the_conditions_is_opened_twice(endpoint: str, client: Any) -> None:
    for _ in range(2):
        objects = open_s3(f"s3://{BUCKET}/probed", endpoint_url=endpoint, access_key="test", secret_key="test")
        assert objects.list() == []
    objects.put_new("a", b"1")
    assert client.get_object(Bucket=BUCKET, Key="probed/a")["Body"].read() == b"1"


@pytest.mark.parametrize("ignored", ["IfNoneMatch", "IfMatch"])
def test_a_server_that_ignores_a_condition_is_refused_by_name(client: Any, ignored: str) -> None:
    class Careless:
        """A client of a server that overlooks one header."""

        def put_object(self, **arguments: Any) -> Any:
            arguments.pop(ignored, None)
            return client.put_object(**arguments)

    for _ in range(2):
        with pytest.raises(StoreError, match=rf"s3://{BUCKET}/careless-{ignored.lower()}/.*use another store"):
            S3Objects(BUCKET, f"careless-{ignored.lower()}", Careless()).probe()


def test_a_missing_bucket_is_a_store_error_and_no_conflict(client: Any) -> None:
    absent = S3Objects("no-such-bucket", "", client)
    for attempt in (lambda: absent.get("a"), lambda: absent.put_new("a", b""), absent.list, absent.probe):
        with pytest.raises(StoreError, match="no-such-bucket") as caught:
            attempt()
        assert not isinstance(caught.value, ConflictError)


def test_a_dead_server_is_a_store_error() -> None:
    import boto3
    from botocore.config import Config

    nobody = boto3.client(
        "s3",
        endpoint_url="http://127.0.0.1:9",
        region_name="us-east-1",
        aws_access_key_id="test",
        aws_secret_access_key="test",
        config=Config(retries={"total_max_attempts": 1}),
    )
    objects = S3Objects(BUCKET, "", nobody)
    for attempt in (lambda: objects.get("a"), lambda: objects.put_new("a", b""), objects.list):
        with pytest.raises(StoreError, match=r"127\.0\.0\.1:9"):
            attempt()
    nobody.close()


def test_addresses_open_the_store_that_they_name(tmp_path: Path) -> None:
    for url in (str(tmp_path / "a b"), f"file://{tmp_path}/a%20b"):
        objects = open_objects(url)
        assert isinstance(objects, LocalObjects)
        assert objects.root == tmp_path / "a b"


@pytest.mark.parametrize("url", ["", "http://host/x", "file://host/x", "file:", "s3://", "s3://UPPER/x", "s3://b?x=1"])
def test_other_addresses_are_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match=r"no (object store|S3 address)"):
        open_objects(url)
