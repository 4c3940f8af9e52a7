from __future__ import annotations

import socket
from urllib.parse import quote

import httpx
import pytest

from tests.envelope import refusal
from tests.memory import MIB, growth
from tests.service import NO_TLS, Service

pytestmark = pytest.mark.usefixtures("nothing_made")

NO_CONTAINER = "cntr_" + "0" * 48
NO_FILE = "cfile_" + "0" * 32
NO_CALL = "sh_" + "0" * 50

ROUTES = [
    ("GET", "/containers/{}"),
    ("DELETE", "/containers/{}"),
    ("GET", "/containers/{}/files"),
    ("GET", f"/containers/{{}}/files/{NO_FILE}"),
    ("GET", f"/containers/{{}}/files/{NO_FILE}/content"),
    ("DELETE", f"/containers/{{}}/files/{NO_FILE}"),
    ("GET", f"/containers/{{}}/shell_calls/{NO_CALL}"),
    ("POST", f"/containers/{{}}/shell_calls/{NO_CALL}/cancel"),
    ("GET", f"/containers/{{}}/shell_calls/{NO_CALL}/events"),
    ("GET", "/containers/{}/egress"),
]
LISTS = ["/containers", "/containers/{}/files", "/containers/{}/egress"]

OTHER_FORMS = [
    NO_CONTAINER,
    "x",
    "cntr_",
    NO_CONTAINER[:-1],
    NO_CONTAINER + "0",
    NO_CONTAINER.upper(),
    NO_FILE,
    "cntr_" + "g" * 48,
    NO_CONTAINER + "\n",
    "../" + NO_CONTAINER,
    "' OR 1=1 --",
    "💥",
    "\0",
    "x" * 5000,
]


@pytest.mark.parametrize("container_id", OTHER_FORMS, ids=lambda text: ascii(text)[:30])
@pytest.mark.parametrize(("method", "route"), ROUTES)
def test_an_unknown_container_is_not_found(http: httpx.Client, method: str, route: str, container_id: str) -> None:
    """An id of no container, whatever its form, is a 404 in the envelope on every route."""
    refusal(http.request(method, route.format(quote(container_id, safe=""))), 404)


@pytest.mark.parametrize("way", ["json", "files"])
def test_posts_to_no_container_are_not_found(http: httpx.Client, way: str) -> None:
    """A call in, or an upload into, a container that is not there is a 404 in OpenAI's words."""
    if way == "json":
        response = http.post(f"/containers/{NO_CONTAINER}/shell_calls", json={"commands": ["true"]})
    else:
        response = http.post(f"/containers/{NO_CONTAINER}/files", files={"file": ("a", b"a")})
    assert refusal(response, 404)["message"] == f"Container with id '{NO_CONTAINER}' not found."


@pytest.mark.parametrize("file_id", [NO_FILE, "x", NO_CONTAINER, NO_FILE.upper(), "\0", "💥", "cfile_../../etc/passwd"])
@pytest.mark.parametrize(("method", "suffix"), [("GET", ""), ("GET", "/content"), ("DELETE", "")])
def test_an_unknown_file_is_not_found(http: httpx.Client, shared: str, method: str, suffix: str, file_id: str) -> None:
    """An id of no file, whatever its form, is a 404 in the envelope."""
    refusal(http.request(method, f"/containers/{shared}/files/{quote(file_id, safe='')}{suffix}"), 404)


@pytest.mark.parametrize("route", LISTS)
@pytest.mark.parametrize(
    ("query", "param", "code"),
    [
        ("limit=0", "limit", "integer_below_min_value"),
        ("limit=-1", "limit", "integer_below_min_value"),
        ("limit=101", "limit", "integer_above_max_value"),
        (f"limit={10**30}", "limit", "integer_above_max_value"),
        ("limit=x", "limit", "invalid_type"),
        ("limit=1.5", "limit", "invalid_type"),
        ("limit=", "limit", "invalid_type"),
        ("limit=1&limit=2", "limit", "duplicate_parameter"),
        ("order=up", "order", "invalid_value"),
        ("order=ASC", "order", "invalid_value"),
        ("order=", "order", "invalid_value"),
        ("before=x", "before", "unknown_parameter"),
        ("%ff=1", "\ufffd", "unknown_parameter"),
    ],
)
def test_a_bad_query_names_its_parameter(
    http: httpx.Client, shared: str, route: str, query: str, param: str, code: str
) -> None:
    """Whatever is wrong with a list's query is a 400 with param and code."""
    error = refusal(http.get(f"{route.format(shared)}?{query}"), 400)
    assert (error["param"], error["code"]) == (param, code)


@pytest.mark.parametrize("route", LISTS)
@pytest.mark.parametrize("after", ["", "x", NO_CONTAINER, NO_FILE, "\0", "💥", "x" * 5000], ids=lambda t: ascii(t)[:30])
def test_an_unknown_cursor_is_refused(http: httpx.Client, shared: str, route: str, after: str) -> None:
    """An `after` that is the id of nothing in the list is a 404, never a silent first page."""
    refusal(http.get(route.format(shared), params={"after": after}), 404)


@pytest.mark.parametrize("value", ["-1", "x", "1.5", "", "1&starting_after=2"])
def test_a_bad_place_in_a_stream_is_refused(http: httpx.Client, shared: str, value: str) -> None:
    """A `starting_after` that is no number of an event is a 400 that names it."""
    error = refusal(http.get(f"/containers/{shared}/shell_calls/{NO_CALL}/events?starting_after={value}"), 400)
    assert error["param"] == "starting_after"
    assert error["code"]


@pytest.mark.parametrize(
    ("method", "route"), [*ROUTES[:2], *ROUTES[3:8], ("POST", "/containers"), ("POST", "/containers/{}/files")]
)
def test_a_query_where_none_belongs_is_refused(http: httpx.Client, shared: str, method: str, route: str) -> None:
    """Routes without query parameters refuse any."""
    error = refusal(http.request(method, f"{route.format(shared)}?limit=1", json={"name": "x"}), 400)
    assert (error["param"], error["code"]) == ("limit", "unknown_parameter")


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("GET", "", 404),
        ("GET", "/", 404),
        ("GET", "/nothing", 404),
        ("GET", "/containers/", 404),
        ("GET", "/containers//files", 404),
        ("POST", f"/containers/{NO_CONTAINER}", 405),
        ("PUT", "/containers", 405),
        ("PATCH", "/containers", 405),
        ("DELETE", "/containers", 405),
        ("GET", f"/containers/{NO_CONTAINER}/shell_calls", 405),
        ("OPTIONS", "/containers", 405),
    ],
)
def test_unknown_routes_and_methods_are_refused(http: httpx.Client, method: str, path: str, status: int) -> None:
    """A path or method that is not the API's is refused in the envelope."""
    code = {404: "unknown_url", 405: "method_not_allowed"}[status]
    assert refusal(http.request(method, path), status)["code"] == code


@pytest.mark.parametrize(
    ("header", "code"),
    [
        (None, None),
        ("", None),
        ("Bearer", None),
        ("Basic dXNlcjpwYXNz", None),
        ("Bearer sk-wrong-0123456789", "invalid_api_key"),
        ("Bearer " + "x" * 8000, "invalid_api_key"),
        ("Bearer \xff\xfe", "invalid_api_key"),
    ],
    ids=lambda value: ascii(value)[:30],
)
@pytest.mark.parametrize(("method", "route"), [*ROUTES, ("GET", "/containers"), ("POST", "/containers")])
def test_without_its_key_nothing_is_answered(
    service: Service, shared: str, method: str, route: str, header: str | None, code: str | None
) -> None:
    """No key, or a wrong one, is a 401 on every route; a wrong key is not repeated in full."""
    headers: dict[bytes, bytes] = {} if header is None else {b"authorization": header.encode("latin-1")}
    with httpx.Client(base_url=service.base_url, verify=NO_TLS) as anybody:
        error = refusal(anybody.request(method, route.format(shared), headers=headers), 401)
    assert (error["param"], error["code"]) == (None, code)
    assert "wrong-0123456789" not in error["message"]
    assert len(error["message"]) < 300


@pytest.mark.parametrize(
    "raw",
    [
        b"not http at all\r\n\r\n",
        b"GET /v1/containers HTTP/9.9\r\n\r\n",
        b"GET /v1/containers HTTP/1.1\r\nno colon\r\n\r\n",
        b"POST /v1/containers HTTP/1.1\r\nhost: x\r\ncontent-length: -5\r\n\r\n",
        b"POST /v1/containers HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ncontent-length: 6\r\n\r\n",
        b"POST /v1/containers HTTP/1.1\r\nhost: x\r\ncontent-length: 5\r\ntransfer-encoding: chunked\r\n\r\n",
        b"CONNECT api.example.com:443 HTTP/1.1\r\nhost: x\r\n\r\n",
        b"CONNECT /healthz HTTP/1.1\r\nhost: x\r\n\r\nGET /healthz HTTP/1.1\r\nhost: x\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    ],
    ids=lambda raw: ascii(raw)[:40],
)
def test_what_is_not_http_is_refused(service: Service, raw: bytes) -> None:
    """Bytes that are not HTTP get a 400 in the envelope and the connection's end."""
    refusal(answer_to(service, raw), 400)


LARGEST_HEAD = 64 * 1024
MOST_HEADERS = 100


@pytest.mark.parametrize(
    "raw",
    [
        b"GET /healthz HTTP/1.1\r\nhost: x\r\n" + b"x: a\r\n" * MOST_HEADERS + b"\r\n",
        b"GET /healthz HTTP/1.1\r\nhost: x\r\nx: " + b"a" * LARGEST_HEAD + b"\r\n\r\n",
        b"GET /healthz?" + b"a" * LARGEST_HEAD + b" HTTP/1.1\r\nhost: x\r\n\r\n",
        b"POST /healthz HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n" + b"x: a\r\n" * MOST_HEADERS + b"\r\n",
    ],
    ids=["headers", "a header", "a url", "trailers"],
)
def test_a_head_that_is_too_large_is_refused(service: Service, raw: bytes) -> None:
    """A URL and headers of more than 64 KiB, or more than 100 headers, are a 431 and the connection's end."""
    assert refusal(answer_to(service, raw), 431)["code"] == "request_head_too_large"


@pytest.mark.parametrize(
    ("first", "more"),
    [
        (b"GET /healthz HTTP/1.1\r\nhost: x\r\n", b"x: a\r\n" * 10_000),
        (b"GET /healthz HTTP/1.1\r\nhost: x\r\nx: ", b"a" * 65536),
        (b"GET /", b"a" * 65536),
        (b"", b"\r\n" * 32768),
        (b"POST /healthz HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n", b"x: a\r\n" * 10_000),
        (b"POST /healthz HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\nx: ", b"a" * 65536),
    ],
    ids=["headers", "a header", "a url", "line ends", "trailers", "a trailer"],
)
def test_a_head_without_an_end_is_cut_off(service: Service, first: bytes, more: bytes) -> None:
    """A head that never ends is cut off when it is too large; the service keeps nothing of it."""
    with (
        growth(service.pid, "a head without an end") as grown,
        socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection,
        pytest.raises(ConnectionError),
    ):
        connection.sendall(first + more * (100 * MIB // len(more)))
    assert grown() < 16 * MIB


def test_requests_without_end_are_cut_off(service: Service) -> None:
    """Requests without end, sent without waiting for answers, are cut off; the service keeps nothing of them."""
    with (
        growth(service.pid, "requests without an end") as grown,
        socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection,
        pytest.raises(ConnectionError),
    ):
        connection.sendall(b"GET / HTTP/1.1\r\n\r\n" * 1_000_000)
    assert grown() < 16 * MIB


def test_trailers_are_no_headers(service: Service) -> None:
    """What comes behind a chunked body can't change what the request is, nor who sends it."""
    key = f"authorization: Bearer {service.api_key}\r\n"
    start = "POST /v1/containers HTTP/1.1\r\nhost: x\r\nconnection: close\r\ntransfer-encoding: chunked\r\n"
    end = "\r\n2\r\n{}\r\n0\r\n"
    refusal(answer_to(service, f"{start}{end}{key}\r\n".encode()), 401)
    error = refusal(answer_to(service, f"{start}{key}{end}content-type: application/json\r\n\r\n".encode()), 400)
    assert error["code"] == "unsupported_content_type"


@pytest.mark.parametrize("protocol", [b"h2c", b"websocket"])
@pytest.mark.parametrize(
    "framed",
    [
        b'content-length: 24\r\n\r\n{"commands": ["exit 7"]}',
        b'transfer-encoding: chunked\r\n\r\n5\r\n{"com\r\n13\r\nmands": ["exit 7"]}\r\n0\r\n\r\n',
    ],
    ids=["of a length", "in chunks"],
)
@pytest.mark.parametrize("size", [1, 100, 10_000])
def test_an_offer_of_another_protocol_is_passed_over(
    service: Service, shared: str, protocol: bytes, framed: bytes, size: int
) -> None:
    """A request that offers to go on in another protocol, as many clients do, is answered as any other."""
    head = (
        f"POST /v1/containers/{shared}/shell_calls HTTP/1.1\r\nhost: x\r\nauthorization: Bearer {service.api_key}\r\n"
        "content-type: application/json\r\nconnection: Upgrade, HTTP2-Settings\r\nhttp2-settings: AAMAAABkAAQ\r\n"
    )
    raw = head.encode() + b"upgrade: %b\r\n" % protocol + framed
    raw += b"GET /healthz HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n"
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
        for start in range(0, len(raw), size):
            connection.sendall(raw[start : start + size])
        answers = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answers.count(b"HTTP/1.1 200 OK") == 2
    assert b'"exit_code":7' in answers
    assert answers.endswith(b'{"status":"ok"}')


def answer_to(service: Service, raw: bytes) -> httpx.Response:
    """What the service answers to these bytes, up to the connection's end."""
    with socket.create_connection(("127.0.0.1", service.port), timeout=30) as connection:
        connection.sendall(raw)
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    head, _, body = answer.partition(b"\r\n\r\n")
    status, *lines = head.decode().split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines)
    return httpx.Response(int(status.split()[1]), headers=headers, content=body)
