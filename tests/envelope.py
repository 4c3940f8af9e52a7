"""The form that all answers have, and refusals in particular."""

from __future__ import annotations

import re
from typing import Any

import httpx


def check_headers(response: httpx.Response) -> None:
    """Hold that a response has the headers that all of them have."""
    assert re.fullmatch(r"req_[0-9a-f]{32}", response.headers["x-request-id"])
    assert response.headers["openai-processing-ms"].isdigit()
    assert response.headers["openai-version"] == "2020-10-01"


def refusal(response: httpx.Response, status: int) -> dict[str, Any]:
    """What a response with that status says in OpenAI's envelope."""
    assert response.status_code == status, response.text
    check_headers(response)
    assert response.headers["content-type"] == "application/json"
    body = response.json()
    assert body.keys() == {"error"}
    error: dict[str, Any] = body["error"]
    assert error.keys() == {"message", "type", "param", "code"}
    assert isinstance(error["message"], str)
    assert error["message"]
    assert error["type"] in ("invalid_request_error", "rate_limit_error", "server_error")
    assert error["param"] is None or isinstance(error["param"], str)
    assert error["code"] is None or isinstance(error["code"], str)
    return error
