"""The hosts of these tests. All of them exist, so that only a policy keeps a sandbox from one."""

ALLOWED = "allowed.test"
SECRET = "secret.test"
DENIED = "denied.test"
HTTP2 = "http2.test"
ECHO = "echo.test"
