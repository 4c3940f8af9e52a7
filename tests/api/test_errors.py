from __future__ import annotations

import json

import pytest

from api.errors import answer_to, crash, refusal
from runtime import errors


@pytest.mark.parametrize(
    ("error", "status", "type_", "code", "header"),
    [
        (errors.InvalidInput("m", param="p", code="c"), 400, "invalid_request_error", "c", None),
        (errors.ContainerExpired(), 400, "invalid_request_error", None, None),
        (errors.StorageFull("m"), 400, "invalid_request_error", "storage_full", None),
        (errors.Unauthenticated("m"), 401, "invalid_request_error", None, ("www-authenticate", "Bearer")),
        (errors.QuotaExceeded(9), 403, "invalid_request_error", "storage_quota_exceeded", None),
        (errors.NotFound("m"), 404, "invalid_request_error", None, None),
        (errors.TooLarge("m"), 413, "invalid_request_error", "too_large", None),
        (errors.Busy("m", retry_after=7), 429, "rate_limit_error", "rate_limit_exceeded", ("retry-after", "7")),
        (errors.AgentMisbehaved("m"), 502, "server_error", "sandbox_misbehaved", ("x-should-retry", "false")),
        (errors.SandboxLost("m"), 503, "server_error", "sandbox_lost", ("x-should-retry", "false")),
        (errors.EngineMisconfigured("m"), 503, "server_error", "engine_misconfigured", ("x-should-retry", "false")),
        (errors.EngineUnavailable("m"), 503, "server_error", "engine_unavailable", ("retry-after", "1")),
        (errors.StorageUnavailable("m"), 503, "server_error", "storage_unavailable", ("retry-after", "1")),
    ],
)
def test_table(
    error: errors.SandlotError, status: int, type_: str, code: str | None, header: tuple[str, str] | None
) -> None:
    """Each of the runtime's errors has its status, type and code, and says whether to ask again helps."""
    response = refusal(error)
    assert response.status_code == status
    body = {"message": error.outward or error.message, "type": type_, "param": error.param, "code": code}
    assert json.loads(bytes(response.body)) == {"error": body}
    assert header is None or response.headers[header[0]] == header[1]


@pytest.mark.parametrize("kind", [errors.EngineUnavailable, errors.EngineMisconfigured, errors.StorageUnavailable])
def test_outages(kind: type[errors.SandlotError], caplog: pytest.LogCaptureFixture) -> None:
    """Where things are is said in the log, and not to callers."""
    answer = refusal(kind("no answer from 10.0.0.7"))
    assert b"10.0.0.7" not in bytes(answer.body)
    assert "10.0.0.7" in caplog.text


@pytest.mark.parametrize("sent", ["x" * 1_000_000, "\0" * 1_000_000, "表" * 1_000_000])
def test_what_was_sent_is_not_repeated_at_length(sent: str) -> None:
    """Of megabytes an error repeats the beginning and the end; what is short is repeated whole."""
    body = bytes(refusal(errors.InvalidInput(f"Invalid value: '{sent}'. Use 'a'.", param=sent)).body)
    assert len(body) < 16 * 1024
    error = json.loads(body)["error"]
    assert error["message"].startswith(f"Invalid value: '{sent[:100]}")
    assert error["message"].endswith(f"{sent[:100]}'. Use 'a'.")
    assert error["param"].startswith(sent[:100])
    short = json.loads(bytes(refusal(errors.InvalidInput(sent[:1000], param=sent[:1000])).body))["error"]
    assert (short["message"], short["param"]) == (sent[:1000], sent[:1000])


def test_subclass() -> None:
    """An error that the table does not name is answered as the nearest class above it, at last as our fault."""

    class Special(errors.NotFound):
        """A kind of its own."""

    assert answer_to(Special("m")).status == 404
    assert answer_to(errors.SandlotError("m")).status == 500


def test_crash() -> None:
    """A crash has all four keys too."""
    assert sorted(json.loads(bytes(crash().body))["error"]) == ["code", "message", "param", "type"]
