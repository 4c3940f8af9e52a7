"""The programs that have to work in a sandbox as they are, each as a line of shell that writes HELLO.

`HOST` is the host to go to. `CA` is a file of the authority to trust, of which the program is told by an option or a
variable of its own, and empty for what it trusts by itself. `AUTH` is the Authorization header's value, or empty.
"""

from __future__ import annotations

from dataclasses import dataclass

from tests.egress.site import PACKAGE


@dataclass(frozen=True, slots=True)
class Program:
    """`refusal` is what it says, among other things, when the name of a host isn't known."""

    line: str
    refusal: str


def _python(code: str) -> str:
    """A line that runs some Python, with `url`, `headers` and `ca`, the file or None."""
    given = "; ".join(
        (
            "import os",
            "url = 'https://' + os.environ['HOST'] + '/hello'",
            "headers = {'Authorization': os.environ['AUTH']} if os.environ['AUTH'] else {}",
            "ca = os.environ['CA'] or None",
        )
    )
    return f'python3 -c "{given}; {code}"'


PROGRAMS = {
    "curl": Program(
        'curl -sS ${CA:+--cacert "$CA"} ${AUTH:+-H "Authorization: $AUTH"} https://$HOST/hello',
        "Could not resolve host",
    ),
    "wget": Program(
        'wget -nv -O - ${CA:+--ca-certificate="$CA"} ${AUTH:+--header "Authorization: $AUTH"} https://$HOST/hello',
        "unable to resolve host address",
    ),
    "git": Program(
        'env ${CA:+GIT_SSL_CAINFO="$CA"} git ${AUTH:+-c "http.extraHeader=Authorization: $AUTH"}'
        " clone --quiet https://$HOST/repository.git cloned && cat cloned/hello",
        "Could not resolve host",
    ),
    # It sends names and passwords, no headers of one's own. What is wrong it says only when it tries again.
    "pip": Program(
        'pip download --no-deps --no-cache-dir --retries 1 --dest got ${CA:+--cert "$CA"}'
        f" --index-url https://${{AUTH:+name:%24API_KEY@}}$HOST/simple {PACKAGE} && unzip -p got/*.whl '*.py'",
        "Name or service not known",
    ),
    # By itself it tries again after 10 s, and after another 60.
    "npm": Program(
        'echo "${AUTH:+//$HOST/:_authToken=$API_KEY}" > .npmrc;'
        ' npm install --no-audit --no-fund --fetch-retries 0 ${CA:+--cafile "$CA"} --registry https://$HOST/registry/$HOST/'
        f" {PACKAGE} && node -e \"require('{PACKAGE}')\"",
        "ENOTFOUND",
    ),
    "node": Program(
        "env ${CA:+NODE_EXTRA_CA_CERTS=$CA} node -e 'const {HOST, AUTH} = process.env;"
        " fetch(`https://${HOST}/hello`, {headers: AUTH ? {Authorization: AUTH} : {}})"
        ".then((response) => response.text()).then(console.log)'",
        "ENOTFOUND",
    ),
    "urllib": Program(
        _python(
            "import ssl, urllib.request as u; request = u.Request(url, headers=headers);"
            "print(u.urlopen(request, context=ssl.create_default_context(cafile=ca)).read().decode())"
        ),
        "Name or service not known",
    ),
    "requests": Program(
        _python("import requests; print(requests.get(url, headers=headers, verify=ca).text)"),
        "Name or service not known",
    ),
    "httpx": Program(
        _python("import httpx; print(httpx.get(url, headers=headers, verify=ca or True).text)"),
        "Name or service not known",
    ),
    "go": Program(
        'env ${CA:+SSL_CERT_FILE="$CA"} fetch-go https://$HOST/hello ${AUTH:+Authorization "$AUTH"}',
        "no such host",
    ),
    "java": Program(
        'java ${CA:+-Djavax.net.ssl.trustStore="$CA.p12"} Fetch https://$HOST/hello ${AUTH:+Authorization "$AUTH"}',
        "UnresolvedAddressException",
    ),
}
