from __future__ import annotations

from typing import Any

import httpx2
import openai
import pytest
from openai.pagination import SyncCursorPage
from openai.types import ContainerListResponse, Upload
from pydantic import BaseModel, ValidationError

from tests.sdk.methods import sdk_methods
from tests.sdk.strict import Judge, strict

FILE: dict[str, Any] = {
    "id": "file-1",
    "object": "file",
    "bytes": 1,
    "created_at": 2,
    "filename": "a",
    "purpose": "vision",
    "status": "processed",
}
UPLOAD: dict[str, Any] = {
    "id": "upload_1",
    "object": "upload",
    "bytes": 1,
    "created_at": 2,
    "expires_at": 3,
    "filename": "a",
    "purpose": "vision",
    "status": "completed",
    "file": FILE,
}
CONTAINER: dict[str, Any] = {
    "id": "cntr_1",
    "object": "container",
    "created_at": 1,
    "name": "a",
    "status": "running",
    "expires_after": {"anchor": "last_active_at", "minutes": 20},
}
PAGE = {"object": "list", "data": [CONTAINER], "first_id": "cntr_1", "last_id": "cntr_1", "has_more": False}
PageOfContainers = SyncCursorPage[ContainerListResponse]


@pytest.mark.parametrize(
    ("model", "answer"),
    [
        (Upload, UPLOAD),
        (Upload, UPLOAD | {"file": None}),
        (Upload, UPLOAD | {"file": FILE | {"expires_at": 4}}),
        (PageOfContainers, PAGE),
        (PageOfContainers, PAGE | {"data": [], "first_id": None, "last_id": None}),
    ],
)
def test_what_the_types_say_is_taken(model: type[BaseModel], answer: dict[str, Any]) -> None:
    """A complete answer passes; what is optional may be null or not there."""
    strict(model).model_validate(answer)


@pytest.mark.parametrize(
    ("model", "answer"),
    [
        (Upload, UPLOAD | {"mime_type": "text/plain"}),
        (Upload, {name: value for name, value in UPLOAD.items() if name != "expires_at"}),
        (Upload, UPLOAD | {"bytes": "1"}),
        (Upload, UPLOAD | {"id": None}),
        (Upload, UPLOAD | {"status": "done"}),
        (Upload, UPLOAD | {"file": FILE | {"owner": "x"}}),
        (Upload, UPLOAD | {"file": FILE | {"purpose": "evals"}}),
        (Upload, UPLOAD | {"file": {"id": "file-1"}}),
        (PageOfContainers, PAGE | {"total": 1}),
        (PageOfContainers, {name: value for name, value in PAGE.items() if name != "object"}),
        (PageOfContainers, PAGE | {"data": [CONTAINER | {"skills": []}]}),
        (PageOfContainers, PAGE | {"data": [CONTAINER | {"expires_after": {"seconds": 1}}]}),
    ],
)
def test_anything_else_is_not(model: type[BaseModel], answer: dict[str, Any]) -> None:
    """A field too many, one too few, or one of another type is refused, however deep inside."""
    with pytest.raises(ValidationError):
        strict(model).model_validate(answer)


@pytest.mark.parametrize(
    ("path", "status", "body", "faults"),
    [
        ("/v1/files/file-1", 200, FILE, 0),
        ("/v1/files/file-1", 200, FILE | {"owner": "x"}, 1),
        ("/v1/files/file-1", 404, {"error": {}}, 0),
        ("/v1/files/file-1/content", 200, {"any": "thing"}, 0),
        ("/v1/containers", 200, PAGE, 0),
        ("/v1/containers", 200, PAGE["data"], 1),
        ("/v1/filing", 404, {"error": {}}, 1),
    ],
)
def test_the_judge_knows_what_each_route_answers(path: str, status: int, body: Any, faults: int) -> None:
    """Answers are held against the type of their route's method; a request of no method is a fault."""
    with openai.OpenAI(base_url="http://sandlot.example.com/v1", api_key="none") as client:
        judge = Judge(sdk_methods(client))
    judge(httpx2.Response(status, json=body, request=httpx2.Request("GET", f"http://sandlot.example.com{path}")))
    assert len(judge.faults) == faults
