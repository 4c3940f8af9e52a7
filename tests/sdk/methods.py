"""What the official Python client can do with files, uploads, skills and containers, asked of the client itself."""

from __future__ import annotations

import ast
import inspect
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, wraps
from typing import Any, get_type_hints

import openai

RESOURCES = ("files", "uploads", "skills", "containers")

# The SDK's own methods that send requests, by which its resources are written.
_VERBS = {"_get": "GET", "_get_api_list": "GET", "_post": "POST", "_delete": "DELETE"}


@dataclass(frozen=True, slots=True)
class SdkMethod:
    """A public method of `resource`, an object of the client. `path` is how one writes it, as `files.content`."""

    path: str
    resource: Any

    @property
    def name(self) -> str:
        """Its name in the resource's class."""
        return self.path.rpartition(".")[2]

    @property
    def route(self) -> str | None:
        """The request it sends, as `GET /files/{file_id}`; None when it only calls others."""
        for node in ast.walk(ast.parse(textwrap.dedent(inspect.getsource(self._function)))):
            match node:
                case ast.Call(func=ast.Attribute(attr=verb), args=[path, *_]) if verb in _VERBS:
                    template = path.args[0] if isinstance(path, ast.Call) else path
                    return f"{_VERBS[verb]} {ast.literal_eval(template)}"
        return None

    @property
    def answer(self) -> Any:
        """The type of what it returns."""
        return get_type_hints(self._function)["return"]

    @property
    def _function(self) -> Any:
        return getattr(type(self.resource), self.name)


def sdk_methods(client: openai.OpenAI) -> list[SdkMethod]:
    """All public methods of the resources and of what is in them, a resource before those in it."""
    return [method for name in RESOURCES for method in _methods_of(getattr(client, name), name)]


def recorded(client: openai.OpenAI) -> set[str]:
    """The paths of the methods of this client that have been called; they are put in as it happens."""
    called: set[str] = set()

    def noting(method: SdkMethod) -> Any:
        original = getattr(method.resource, method.name)

        @wraps(original)
        def noted(*args: Any, **fields: Any) -> Any:
            called.add(method.path)
            return original(*args, **fields)

        return noted

    for method in sdk_methods(client):
        setattr(method.resource, method.name, noting(method))
    return called


def _methods_of(resource: Any, path: str) -> Iterator[SdkMethod]:
    public = [(name, value) for name, value in inspect.getmembers_static(type(resource)) if not name.startswith("_")]
    for name, value in public:
        if inspect.isfunction(value):
            yield SdkMethod(f"{path}.{name}", resource)
    for name, value in public:
        # with_raw_response and with_streaming_response are the same resource again, in another form.
        if isinstance(value, cached_property) and not name.startswith("with_"):
            yield from _methods_of(getattr(resource, name), f"{path}.{name}")
