"""What `sandlot serve` prints once the service answers."""

from __future__ import annotations

from shlex import quote

from api.app import State
from api.settings import Settings

EXAMPLE = """\
Try it (paste this into another terminal):

  URL={url}/v1/containers
  AUTH="Authorization: Bearer {key}"
  JSON="Content-Type: application/json"
  ID=$(curl -s $URL -H "$AUTH" -H "$JSON" -d '{{"name": "first"}}' | grep -o 'cntr_[0-9a-f]*')
  curl -s $URL/$ID/shell_calls -H "$AUTH" -H "$JSON" -d '{{"commands": ["uname -sr", "id", "ls -la"]}}'
"""


def welcome(host: str, port: int, settings: Settings, state: State) -> str:
    """Where the service is, where the key is, and an example that can be pasted."""
    url = f"http://{_reachable(host)}:{port}"
    where, key = _key(settings, state)
    return f"\nSandlot answers at {url}/v1\nAPI key: {where}\n\n{EXAMPLE.format(url=url, key=key)}"


def _reachable(host: str) -> str:
    """An address that a client on this machine can use for the one listened on."""
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - compared, not bound
    return f"[{host}]" if ":" in host else host


def _key(settings: Settings, state: State) -> tuple[str, str]:
    """Where the API key is, in words and for a shell. The key itself is shown once, when it is made."""
    file = settings.key_file
    if settings.api_key is not None:
        return "the one in SANDLOT_API_KEY", "$SANDLOT_API_KEY"
    if state["made_key"]:
        return f"{state['made_key']} (kept in {file}, shown only now)", f"$(cat {quote(str(file))})"
    if file.exists():
        return f"in {file}", f"$(cat {quote(str(file))})"
    return "one you have, or a new one from `sandlot keys create NAME`", "YOUR_KEY"
