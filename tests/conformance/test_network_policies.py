from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import httpx
import openai
import pytest

from tests.envelope import refusal
from tests.service import Service
from tests.shell import Json, run, stdout

CANARY = "sk-canary-value"


def allowlist(*domains: Any, **fields: Any) -> Json:
    """A policy that allows these domains."""
    return {"type": "allowlist", "allowed_domains": domains, **fields}


def with_secrets(*secrets: Json) -> Json:
    """A policy that allows two domains, with these secrets; what one of them doesn't say is good."""
    good = {"domain": "api.example.com", "name": "KEY", "value": CANARY}
    return allowlist("api.example.com", "*.example.org", domain_secrets=[{**good, **secret} for secret in secrets])


DOMAINS = "network_policy.allowed_domains"
SECRETS = "network_policy.domain_secrets"

# What is wrong, in a third entry between good ones, and a word that says so.
BAD_DOMAINS: list[tuple[str, str]] = [
    ("https://example.com", "scheme"),
    ("example.com/path", "path"),
    ("example.com:443", "port"),
    ("192.0.2.1", "IP address"),
    ("2001:db8::1", "IP address"),
    ("[2001:db8::1]", "IP address"),
    ("3221225985", "number"),
    ("0xc0000201", "number"),
    ("", "empty"),
    (".", "empty"),
    ("a..example.com", "empty"),
    ("example.com..", "empty"),
    ("*", "'*'"),
    ("*.*.example.com", "'*'"),
    ("a.*.example.com", "'*'"),
    ("x" * 64 + ".example.com", "63"),
    (".".join(["x" * 49] * 6), "253"),
    ("\u2488com.example", "characters"),
    ("xn--a.example.com", "valid"),
    ("exa mple.com", "characters"),
    ("example.com\0", "characters"),
    ("user@example.com", "characters"),
    ("-example.com", "characters"),
    ("A.Example.COM.", "duplicate of allowed_domains[0]"),
]

# What is wrong with the second of two secrets, the field at fault and a word that says so.
BAD_SECRETS: list[tuple[Json, str, str]] = [
    ({"domain": "other.example.com"}, ".domain", "allowed_domains"),
    ({"domain": "example.org"}, ".domain", "allowed_domains"),
    ({"domain": "*.example.org"}, ".domain", "pattern"),
    ({"domain": "https://api.example.com"}, ".domain", "scheme"),
    ({"domain": "API.example.com."}, "", "domain_secrets[0]"),
    ({"name": "1KEY"}, ".name", "environment variable"),
    ({"name": "A-KEY"}, ".name", "environment variable"),
    ({"name": "KEY="}, ".name", "environment variable"),
    ({"name": "KEY\n"}, ".name", "environment variable"),
    ({"name": "SCHLÜSSEL"}, ".name", "environment variable"),
    ({"name": "K" * 257}, ".name", "256"),
    ({"name": "PATH"}, ".name", "needs itself"),
    ({"name": "LD_PRELOAD"}, ".name", "needs itself"),
    ({"name": "SSL_CERT_FILE"}, ".name", "needs itself"),
    ({"name": "B", "value": f"{CANARY}\r"}, ".value", "line breaks"),
    ({"name": "B", "value": f"{CANARY}\n"}, ".value", "line breaks"),
    ({"name": "B", "value": f"{CANARY}\0"}, ".value", "NUL"),
    ({"name": "B", "value": "x" * (64 * 1024 + 1)}, ".value", "65,536"),
    ({"name": "B", "value": "ü" * (32 * 1024) + "x"}, ".value", "65,536"),
]

# Policies of a wrong shape, the field at fault and the code.
BAD_SHAPES: list[tuple[Any, str, str]] = [
    ({"type": "allowlist", "allowed_domains": "example.com"}, DOMAINS, "invalid_type"),
    (allowlist("example.com", 1), f"{DOMAINS}[1]", "invalid_type"),
    (allowlist("example.com", None), f"{DOMAINS}[1]", "invalid_type"),
    (allowlist(*(f"{n}.example.com" for n in range(1001))), DOMAINS, "invalid_value"),
    (allowlist("example.com", ports=[443]), "network_policy.ports", "unknown_parameter"),
    (allowlist("example.com", domain_secrets=[]), SECRETS, "empty_array"),
    (allowlist("example.com", domain_secrets=["KEY"]), f"{SECRETS}[0]", "invalid_type"),
    (with_secrets({"value": 1}), f"{SECRETS}[0].value", "invalid_type"),
    (with_secrets({"value": ""}), f"{SECRETS}[0].value", "empty_string"),
    (with_secrets({"header": "x"}), f"{SECRETS}[0].header", "unknown_parameter"),
    (with_secrets(*({"name": f"K{n}"} for n in range(101))), SECRETS, "invalid_value"),
    (allowlist("a.example", domain_secrets=[{"domain": "a.example", "name": "K"}]), f"{SECRETS}[0].value", "missing"),
]


@pytest.fixture(scope="module")
def bounded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """A client of a service whose operator allows few domains."""
    settings = {"ALLOWED_DOMAINS": "api.example.com,*.example.org"}
    with Service(tmp_path_factory.mktemp("bounded"), settings) as running, running.http() as connected:
        yield connected


@pytest.fixture
def reaching(http: httpx.Client) -> Iterator[str]:
    """The id of a container that may reach one domain; nobody has tried anything in it yet."""
    policy = allowlist("allowed.example.com")
    made = http.post("/containers", json={"name": "reaching", "network_policy": policy}).raise_for_status()
    yield str(made.json()["id"])
    http.delete(f"/containers/{made.json()['id']}").raise_for_status()


def refused(http: httpx.Client, policy: Any) -> Json:
    """What a create with that policy is told: 400, without a word of a secret."""
    response = http.post("/containers", json={"name": "bad", "network_policy": policy})
    assert CANARY not in response.text
    return refusal(response, 400)


def test_a_policy_comes_back(client: openai.OpenAI) -> None:
    """Create, retrieve and list give the domains as DNS writes them, in the order given, and nothing of secrets."""
    made = client.containers.create(
        name="reaching",
        network_policy={
            "type": "allowlist",
            "allowed_domains": ["API.example.com.", "*.Example.org", "bücher.example"],
            "domain_secrets": [{"domain": "api.EXAMPLE.com", "name": "KEY", "value": CANARY}],
        },
    )
    try:
        read = client.containers.retrieve(made.id)
        listed = next(container for container in client.containers.list() if container.id == made.id)
        for container in (made, read, listed):
            assert container.network_policy is not None
            assert container.network_policy.to_dict() == {
                "type": "allowlist",
                "allowed_domains": ["api.example.com", "*.example.org", "xn--bcher-kva.example"],
            }
            assert CANARY not in container.to_json()
    finally:
        client.containers.delete(made.id)


@pytest.mark.parametrize(("domain", "says"), BAD_DOMAINS, ids=lambda value: repr(value)[:40])
def test_a_bad_domain_names_its_place(http: httpx.Client, nothing_made: None, domain: str, says: str) -> None:
    """An entry that isn't a name alone, or can't be held, is a 400 that names its place and says why."""
    error = refused(http, allowlist("a.example.com", "*.example.org", domain, "b.example.com"))
    assert (error["param"], error["code"]) == (f"{DOMAINS}[2]", "invalid_value")
    assert says in error["message"]


@pytest.mark.parametrize(("secret", "field", "says"), BAD_SECRETS, ids=lambda value: repr(value)[:40])
def test_a_bad_secret_names_its_field(
    http: httpx.Client, nothing_made: None, secret: Json, field: str, says: str
) -> None:
    """A secret that can't be held is a 400 that names the field, says why, and doesn't repeat the value."""
    error = refused(http, with_secrets({}, secret))
    assert (error["param"], error["code"]) == (f"{SECRETS}[1]{field}", "invalid_value")
    assert says in error["message"]


@pytest.mark.parametrize(("policy", "param", "code"), BAD_SHAPES, ids=lambda value: repr(value)[:40])
def test_a_policy_of_another_shape_is_refused(
    http: httpx.Client, nothing_made: None, policy: Any, param: str, code: str
) -> None:
    """A policy with wrong types, too many entries or unknown fields is a 400 with the path of the field."""
    error = refused(http, policy)
    assert error["param"] == param
    assert error["code"].startswith(code)


@pytest.mark.parametrize("domain", ["example.com", "sub.api.example.com", "example.org", "*.com", "*.api.example.com"])
def test_the_operators_domains_bound_all_policies(bounded: httpx.Client, domain: str) -> None:
    """A domain that the operator doesn't allow is a 400 that names it, and nothing is made."""
    error = refused(bounded, allowlist("api.example.com", domain))
    assert (error["param"], error["code"]) == (f"{DOMAINS}[1]", "invalid_value")
    assert f"'{domain}'" in error["message"]
    assert "operator" in error["message"]
    assert bounded.get("/containers").json()["data"] == []


def test_what_the_operator_allows_can_be_had(bounded: httpx.Client) -> None:
    """Domains within the operator's list are taken: the same, narrower patterns, and names below one."""
    policy = allowlist("api.example.com", "*.example.org", "*.a.example.org", "b.example.org")
    made = bounded.post("/containers", json={"name": "within", "network_policy": policy}).raise_for_status().json()
    assert made["network_policy"] == {**policy, "allowed_domains": list(policy["allowed_domains"])}
    bounded.delete(f"/containers/{made['id']}").raise_for_status()


def test_what_was_tried_can_be_read(http: httpx.Client, reaching: str) -> None:
    """`egress` lists what was tried, the latest first, each with a verdict, a reason and nothing else unsaid."""
    for name in ("first.example.com", "second.example.com"):
        assert run(http, reaching, f"getent hosts {name}")["outcome"]["exit_code"] == 2
    page = http.get(f"/containers/{reaching}/egress").raise_for_status().json()
    assert [record["host"] for record in page["data"]] == ["second.example.com", "first.example.com"]
    latest = page["data"][0]
    assert latest.pop("id").startswith("egr_")
    assert isinstance(latest.pop("created_at"), int)
    assert latest == {
        "object": "container.egress",
        "container_id": reaching,
        "host": "second.example.com",
        "port": None,
        "address": None,
        "verdict": "denied",
        "reason": "not_allowed",
        "bytes_sent": 0,
        "bytes_received": 0,
    }


def test_what_was_tried_pages(http: httpx.Client, reaching: str) -> None:
    """`limit`, `order` and `after` are as in every list, and what is wrong with them is refused likewise."""
    path = f"/containers/{reaching}/egress"
    assert http.get(path).json() == {"object": "list", "data": [], "first_id": None, "last_id": None, "has_more": False}
    stdout(http, reaching, "for n in 1 2 3; do getent hosts $n.example.com; done; true")
    first = http.get(path, params={"order": "asc", "limit": 2}).json()
    assert [record["host"] for record in first["data"]] == ["1.example.com", "2.example.com"]
    assert first["has_more"]
    rest = http.get(path, params={"order": "asc", "after": first["last_id"]}).json()
    assert [record["host"] for record in rest["data"]] == ["3.example.com"]
    assert not rest["has_more"]
    assert refusal(http.get(path, params={"after": "egr_" + 48 * "0"}), 404)["param"] == "after"
    assert refusal(http.get(path, params={"limit": 101}), 400)["param"] == "limit"


def test_without_a_network_nothing_is_tried(http: httpx.Client, shared: str) -> None:
    """In a container without a network names don't exist, and its `egress` is an empty list."""
    assert run(http, shared, "getent hosts example.com")["outcome"]["exit_code"] == 2
    assert http.get(f"/containers/{shared}/egress").json()["data"] == []
