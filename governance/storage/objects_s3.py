"""Objects in an S3 bucket, through conditional PutObject, the only atomic write that S3 servers share."""

import re
from typing import Any
from urllib.parse import urlsplit

from botocore.exceptions import BotoCoreError, ClientError

from governance.errors import ConfigurationError, ConflictError, StoreError
from governance.storage.objects import Stored, valid_key, valid_prefix

_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_PROBE = ".probe"
_NO_SUCH_ETAG = "0" * 32


def open_s3(
    url: str,
    *,
    endpoint_url: str | None = None,
    region: str = "us-east-1",
    access_key: str | None = None,
    secret_key: str | None = None,
) -> "S3Objects":
    """Open `s3://bucket/prefix` and refuse a server that lets a second writer win.

    Parameters
    ----------
    endpoint_url
        The server where it is not Amazon's.
    access_key, secret_key
        Where not given, boto3 finds them by its own rules (environment, profile, role).
    """
    import boto3
    from botocore.config import Config

    parts = urlsplit(url)
    if parts.scheme != "s3" or not _BUCKET.fullmatch(parts.netloc) or parts.query or parts.fragment:
        raise ConfigurationError(f"{url!r} is no S3 address; give s3://bucket/prefix")
    # Servers other than Amazon's reject the checksums that boto3 would add by itself.
    config = Config(
        retries={"mode": "standard", "total_max_attempts": 4},
        connect_timeout=5,
        read_timeout=60,
        request_checksum_calculation="when_required",
        response_checksum_validation="when_required",
        s3={"addressing_style": "path" if endpoint_url else "auto"},
    )
    client = boto3.client(
        "s3",
        endpoint_url=endpoint_url,
        region_name=region,
        aws_access_key_id=access_key,
        aws_secret_access_key=secret_key,
        config=config,
    )
    store = S3Objects(parts.netloc, parts.path.strip("/"), client)
    store.probe()
    return store


class S3Objects:
    """Objects under one prefix of a bucket; keeps the promise of `ObjectStore`.

    Parameters
    ----------
    client
        A boto3 S3 client; safe to share between threads.
    """

    def __init__(self, bucket: str, prefix: str, client: Any) -> None:
        self.bucket = bucket
        self._folder = f"{valid_key(prefix)}/" if prefix else ""
        self._client = client

    def __repr__(self) -> str:
        return f"S3Objects('s3://{self.bucket}/{self._folder}')"

    def get(self, key: str) -> Stored | None:
        """The object, or None where there is none."""
        return self._get(valid_key(key))

    def put_new(self, key: str, data: bytes) -> str:
        """Write an object that must not exist yet and return its tag; ConflictError where it does."""
        return self._put(valid_key(key), data, IfNoneMatch="*")

    def replace(self, key: str, data: bytes, *, etag: str) -> str:
        """Overwrite the object that `etag` was read from and return its new tag; ConflictError where it has moved."""
        return self._put(valid_key(key), data, IfMatch=etag)

    def list(self, prefix: str = "") -> list[str]:
        """Keys that start with `prefix`, sorted."""
        pages = self._client.get_paginator("list_objects_v2")
        try:
            found = [
                entry["Key"].removeprefix(self._folder)
                for page in pages.paginate(Bucket=self.bucket, Prefix=self._folder + valid_prefix(prefix))
                for entry in page.get("Contents", ())
            ]
        except (ClientError, BotoCoreError) as error:
            raise self._failure(prefix, error) from error
        return sorted(key for key in found if key != _PROBE)

    def probe(self) -> None:
        """Prove at start-up that the server honours both conditions, which not all servers do.

        Raises
        ------
        StoreError
            The server overwrote an object although it was told not to: two promotions could both win there.
        """
        if not (self._refuses(IfNoneMatch="*") or self._refuses(IfNoneMatch="*")):
            raise StoreError(f"{self!r} overwrites under If-None-Match: a second writer would win; use another store")
        if not self._refuses(IfMatch=_NO_SUCH_ETAG):
            raise StoreError(f"{self!r} overwrites under If-Match: a late writer would win; use another store")

    def _refuses(self, **condition: str) -> bool:
        try:
            self._put(_PROBE, b"Does this store refuse a second writer?", **condition)
        except ConflictError:
            return True
        return False

    def _get(self, key: str) -> Stored | None:
        try:
            answer = self._client.get_object(Bucket=self.bucket, Key=self._folder + key)
            return Stored(answer["Body"].read(), _bare(answer["ETag"]))
        except ClientError as error:
            if _code(error) == "NoSuchKey":
                return None
            raise self._failure(key, error) from error
        except BotoCoreError as error:
            raise self._failure(key, error) from error

    def _put(self, key: str, data: bytes, **condition: str) -> str:
        try:
            answer = self._client.put_object(Bucket=self.bucket, Key=self._folder + key, Body=data, **condition)
        except ClientError as error:
            return self._settled(key, data, error, read=condition.get("IfMatch"))
        except BotoCoreError as error:
            raise self._failure(key, error) from error
        return _bare(answer["ETag"])

    def _settled(self, key: str, data: bytes, error: ClientError, *, read: str | None) -> str:
        """What became of a write that was not confirmed: its tag where it landed after all, else the error.

        Two answers leave doubt. A write whose confirmation was lost is sent again by boto3 and then refused because
        of itself. And Ceph 16 answers most losers of a race under If-Match with 500 (333 of 540 measured).
        """
        conflict, status = _is_conflict(error), error.response["ResponseMetadata"]["HTTPStatusCode"]
        if not conflict and status < 500:
            raise self._failure(key, error) from error
        if status >= 500 or error.response["ResponseMetadata"].get("RetryAttempts", 0):
            standing = self._get(key)
            if standing is not None and standing.data == data:
                return standing.etag
            conflict = conflict or (standing and standing.etag) != read
        if conflict:
            raise ConflictError(f"{key}: somebody else wrote first ({_code(error)})") from error
        raise self._failure(key, error) from error

    def _failure(self, key: str, error: Exception) -> StoreError:
        return StoreError(f"{self!r}, {key or 'listing'}: {error}")


def _bare(etag: str) -> str:
    # The only place that knows of the quotes: Ceph refuses them in If-Match, although it sends them.
    return etag.strip('"')


def _code(error: ClientError) -> str:
    return str(error.response.get("Error", {}).get("Code", ""))


def _is_conflict(error: ClientError) -> bool:
    # An object that is gone answers If-Match with 404.
    return error.response["ResponseMetadata"]["HTTPStatusCode"] in (409, 412) or _code(error) == "NoSuchKey"
