"""Who is asking: the API key of the request, as its owner's id."""

from __future__ import annotations

from starlette.requests import Request

from api.requests import runtime_of
from runtime.errors import Unauthenticated


class IncorrectKey(Unauthenticated):
    """A key that is not known, or no longer."""

    code = "invalid_api_key"


async def authenticate(request: Request) -> str:
    """The id of the key in the Authorization header."""
    scheme, _, key = request.headers.get("authorization", "").partition(" ")
    key = key.strip()
    if scheme.lower() != "bearer" or not key:
        raise Unauthenticated(
            "You didn't provide an API key. You need to provide your API key in an Authorization header "
            "using Bearer auth (i.e. Authorization: Bearer YOUR_KEY)."
        )
    try:
        return (await runtime_of(request).keys.authenticate(key)).id
    except Unauthenticated as error:
        raise IncorrectKey(error.message) from None
