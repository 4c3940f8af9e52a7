"""How S3-compatible storage is reached: where it is, by whose keys, how long an answer is waited for."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from obstore.store import S3Store

from runtime.blobs.s3_errors import FAILURES, translated
from runtime.errors import StorageUnavailable

if TYPE_CHECKING:
    from obstore.store import S3Config, S3Credential, S3CredentialProvider

# A storage that is dead is an error after about half a minute: one answer is waited for, or a few connections tried.
CONNECT = timedelta(seconds=5)
SILENCE = timedelta(seconds=15)
RETRIES = 3
RETRY = timedelta(seconds=10)
TRANSFER = timedelta(days=1)  # no limit in effect: a reader may be as slow as its client's line

_BUCKET = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]+")


def s3_connection(
    bucket: str,
    *,
    prefix: str | None,
    endpoint: str | None,
    region: str | None,
    access_key: str | None,
    secret_key: str | None,
) -> S3Store:
    """The library's store; nothing is sent yet. The arguments are those of S3BlobStore.connect.

    Raises StorageUnavailable for what can't be a bucket, a prefix or an endpoint.
    """
    _check(bucket, endpoint)
    config: S3Config = {"disable_bulk_delete": True}  # blobs go one by one, and not every storage knows the other call
    if endpoint is not None:
        config["aws_endpoint_url_s3"] = endpoint  # the one that no variable overrules
    if region is not None:
        config["region"] = region
    try:
        return S3Store(
            bucket,
            prefix=prefix,
            config=config,
            client_options={
                "allow_http": endpoint is not None and endpoint.startswith("http://"),
                "connect_timeout": CONNECT,
                "read_timeout": SILENCE,
                "timeout": TRANSFER,
            },
            retry_config={"max_retries": RETRIES, "retry_timeout": RETRY},
            credential_provider=_credentials(access_key, secret_key),
        )
    except (*FAILURES, ValueError) as error:
        raise translated(error, bucket) from error


def _check(bucket: str, endpoint: str | None) -> None:
    """Refuse what the library would take, and break on at the first request."""
    if not _BUCKET.fullmatch(bucket):
        raise StorageUnavailable(f"The blob storage's bucket can't be called {bucket!r}.")
    if endpoint is not None:
        address = urlsplit(endpoint)
        if address.scheme not in ("http", "https") or not address.hostname:
            raise StorageUnavailable(f"The blob storage's endpoint has to be an http or https URL, not {endpoint!r}.")


def _credentials(access_key: str | None, secret_key: str | None) -> S3CredentialProvider | None:
    """Keys that are given are used alone: not together with a session token that is in the environment for others."""
    if access_key is None or secret_key is None:
        return None
    given: S3Credential = {
        "access_key_id": access_key,
        "secret_access_key": secret_key,
        "token": None,
        "expires_at": None,
    }
    return lambda: given
