"""URL to bytes, with the rules that keep a URL out of the private network.

A URL is written outside and fetched from inside, so that it could reach what only this machine
may reach. Hence the rules: http and https alone, public addresses alone, nothing sent along that
could identify anyone, and limits on redirects, bytes and time. A redirect stands under the same
rules as the URL that came first. Credentials that came beside a URL go to its own host alone.
"""

import string
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager
from ipaddress import ip_address
from typing import Any, Protocol
from urllib.parse import quote, urljoin

import requests
from requests_hardened.ip_filter import InvalidIPAddress  # type: ignore[import-untyped]
from requests_hardened.ip_filter_adapter import (  # type: ignore[import-untyped]
    IPFilterAdapter,
)
from urllib3.connectionpool import HTTPConnectionPool
from urllib3.exceptions import HTTPError as TransportError
from urllib3.exceptions import TimeoutError as TransportTimeout

from faceserver import __version__
from faceserver.api.pictures import Credentials
from faceserver.api.urls import WebAddress, parse
from faceserver.errors import FileTooLarge, ForbiddenUrl, InvalidUrl, UrlFailed, UrlTimeout
from faceserver.pictures.addresses import AddressRule
from faceserver.pictures.httpauth import SignIn
from faceserver.pictures.timed import Deadline, timed
from faceserver.runtime import metrics

MAX_REDIRECTS = 5
MAX_URL_LENGTH = 2048

_CHUNK_BYTES = 64 * 1024
_REDIRECT_STATUS = frozenset({301, 302, 303, 307, 308})
_HEADERS = {
    "User-Agent": f"faceserver/{__version__}",
    "Accept": "image/*",
    "Accept-Encoding": "identity",  # pictures are compressed already
}


class Fetch(Protocol):
    """Turns a URL into bytes; see :meth:`Fetcher.fetch`."""

    def __call__(self, url: str, credentials: Credentials | None = None, /) -> bytes:
        """Get what a URL points to."""
        ...


class Fetcher:
    """Fetches URLs; it holds settings alone, so that many threads may use it at the same time."""

    def __init__(self, *, timeout: float, max_bytes: int, allow_networks: Sequence[str]) -> None:
        """Set the limits of every fetch.

        Args:
            timeout: seconds for everything together: connecting, redirects and download. While a
                name is looked up, the system's resolver keeps its own time.
            max_bytes: most bytes of an answer, counted after it is unpacked.
            allow_networks: networks that are open although they are private, such as
                "192.168.7.0/24".
        """
        self._timeout = timeout
        self._max_bytes = max_bytes
        self._rule = AddressRule(allow_networks)

    @metrics.stage("fetch")
    def fetch(self, url: str, credentials: Credentials | None = None, /) -> bytes:
        """Get what a URL points to; whether that is a picture, or anything, is not looked at.

        Args:
            url: http or https; what is unusual in form alone is put right.
            credentials: what its host asks for. A redirect to another host or port, or from https
                to http, ends their use for good.

        Raises:
            InvalidUrl: it, or a redirect, is no well-formed http or https URL, or holds
                credentials.
            ForbiddenUrl: it, or a redirect, points into a network that is closed to it.
            UrlTimeout: the answer was not complete in time.
            UrlFailed: no connection, too many redirects, or a status that is not 200.
            FileTooLarge: the answer has more than max_bytes.
        """
        deadline = Deadline(self._timeout)
        before: WebAddress | None = None
        for _ in range(1 + MAX_REDIRECTS):
            address, request = _prepare(url)
            if before is not None and not before.sends_secrets_to(address):
                credentials = None
            sign_in = SignIn(credentials) if credentials else None
            with (
                _own_errors(address.host),
                self._ask(request, deadline, sign_in) as response,
            ):
                target = _redirect_target(address.url, response)
                if target is None:
                    return self._read(address.host, response, sign_in)
            before, url = address, target
        raise UrlFailed(f"The URL redirects more than {MAX_REDIRECTS} times.")

    def post(self, url: str, body: bytes, headers: Mapping[str, str]) -> int:
        """Send a body to a URL, under the same rules; a redirect is not followed.

        Args:
            url: http or https.
            body: what is sent.
            headers: what goes along; they say what the body is.

        Returns:
            The status of the answer, of which nothing else is read.

        Raises:
            InvalidUrl: it is no well-formed http or https URL, or holds credentials.
            ForbiddenUrl: it points into a network that is closed to it.
            UrlTimeout: no answer came in time.
            UrlFailed: no connection.
        """
        deadline = Deadline(self._timeout)
        address, request = _prepare(url, method="POST", headers=headers, body=body)
        with _own_errors(address.host), self._send(request, deadline) as response:
            return response.status_code

    @contextmanager
    def _ask(
        self, request: requests.PreparedRequest, deadline: Deadline, sign_in: SignIn | None
    ) -> Iterator[requests.Response]:
        """Send a request, again with each answer to what the host wants to know."""
        authorization = sign_in.unasked() if sign_in else None
        while True:
            if authorization is not None:
                request.headers["Authorization"] = authorization
            with self._send(request, deadline) as response:
                authorization = _authorization(request, response, sign_in)
                if authorization is None:
                    yield response
                    return

    @contextmanager
    def _send(
        self, request: requests.PreparedRequest, deadline: Deadline
    ) -> Iterator[requests.Response]:
        # No requests.Session: it would read the whole body of a redirect, however large, and add
        # cookies, proxies and passwords that it finds in the environment.
        https = (request.url or "").startswith("https:")
        with (
            closing(_GuardedAdapter(https=https, rule=self._rule, deadline=deadline)) as adapter,
            closing(adapter.send(request, stream=True, timeout=deadline.left())) as response,
        ):
            yield response

    def _read(self, host: str, response: requests.Response, sign_in: SignIn | None) -> bytes:
        if response.status_code == requests.codes.unauthorized:
            raise UrlFailed(
                f"{host} answered with status 401: it rejected this user name and password."
                if sign_in
                else f"{host} answered with status 401: it requires a user name and a password."
            )
        if response.status_code != requests.codes.ok:
            raise UrlFailed(f"{host} answered with status {response.status_code}.")
        self._check_length(response.raw.length_remaining or 0)
        body = bytearray()
        for chunk in response.raw.stream(_CHUNK_BYTES, decode_content=True):
            body += chunk
            self._check_length(len(body))
        return bytes(body)

    def _check_length(self, length: int) -> None:
        if length > self._max_bytes:
            raise FileTooLarge(
                f"The URL's answer is too large; at most {self._max_bytes:,} bytes are allowed."
            )


def _prepare(
    url: str,
    *,
    method: str = "GET",
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> tuple[WebAddress, requests.PreparedRequest]:
    """Check a URL's form; gives what it says and the request for it."""
    if len(url) > MAX_URL_LENGTH:
        raise InvalidUrl(f"The URL has more than {MAX_URL_LENGTH:,} characters.")
    address = parse(url)
    try:
        sent = _HEADERS if headers is None else {"User-Agent": _HEADERS["User-Agent"], **headers}
        request = requests.Request(method, address.url, headers=sent, data=body).prepare()
    except ValueError as error:  # all that it raises is one of its kind
        raise InvalidUrl("This is not a well-formed http or https URL.") from error
    return address, request


def _authorization(
    request: requests.PreparedRequest, response: requests.Response, sign_in: SignIn | None
) -> str | None:
    """How to ask once more; None where the response is the last word."""
    if sign_in is None or response.status_code != requests.codes.unauthorized:
        return None
    asked = response.raw.headers.getlist("WWW-Authenticate")
    return sign_in.answer(asked, request.url or "")


def _redirect_target(url: str, response: requests.Response) -> str | None:
    """The URL that a response sends us on to, None where it does not."""
    location = response.headers.get("Location")
    if response.status_code not in _REDIRECT_STATUS or location is None:
        return None
    # Headers are bytes, read as latin-1; what is no UTF-8 is quoted as the bytes it came as.
    sent = location.encode("latin-1", errors="replace")
    try:
        location = sent.decode()
    except UnicodeDecodeError:
        location = quote(sent, safe=string.punctuation)
    try:
        return urljoin(url, location)
    except ValueError as error:
        raise InvalidUrl("The URL redirects to a malformed one.") from error


@contextmanager
def _own_errors(host: str) -> Iterator[None]:
    """Turn what the libraries below raise into our errors, which tell no address."""
    try:
        yield
    except (TimeoutError, requests.Timeout, TransportTimeout) as error:
        raise UrlTimeout(f"{host} did not answer completely in time.") from error
    except InvalidIPAddress as error:
        raise ForbiddenUrl(f"{host} is in a network that URLs must not point to.") from error
    except (OSError, TransportError) as error:  # each error of requests is an OSError
        raise UrlFailed(f"{host} cannot be reached, or gave an invalid answer.") from error


class _GuardedAdapter(IPFilterAdapter):  # type: ignore[misc]
    """Sends one request to the one address that has been checked, and reads until a deadline.

    The parent resolves the host once, refuses private addresses, and puts the address in the
    host's place, so that no second look-up can lead elsewhere. Here its rule is made stricter in
    general, and open for the networks that are allowed.
    """

    def __init__(self, *, https: bool, rule: AddressRule, deadline: Deadline) -> None:
        super().__init__(is_https_proto=https)
        self._https = https
        self._rule = rule
        self._deadline = deadline

    def build_connection_pool_key_attributes(
        self, request: requests.PreparedRequest, verify: Any, cert: Any = None
    ) -> tuple[Any, Any]:
        """Where to connect to; raises InvalidIPAddress when that is closed."""
        try:
            place, tls = super().build_connection_pool_key_attributes(request, verify, cert)
        except InvalidIPAddress as error:
            return self._pin_allowed(error, request, verify, cert)
        address = ip_address(place["host"].strip("[]"))
        if not self._rule.opens(address):
            raise InvalidIPAddress(address)
        return place, tls

    def _pin_allowed(
        self, refusal: InvalidIPAddress, request: requests.PreparedRequest, verify: Any, cert: Any
    ) -> tuple[Any, Any]:
        """Go on with the very address that the parent refused, if it is allowed."""
        (address,) = refusal.args
        if not self._rule.allows(address):
            raise refusal
        # The grandparent's method looks nothing up.
        skip_parent: Any = super(IPFilterAdapter, self)
        place, tls = skip_parent.build_connection_pool_key_attributes(request, verify, cert)
        if self._https:  # the certificate is the name's, not the address's
            tls["assert_hostname"] = tls["server_hostname"] = place["host"]
        place["host"] = f"[{address}]" if address.version == 6 else str(address)
        return place, tls

    def get_connection_with_tls_context(self, *args: Any, **kwargs: Any) -> HTTPConnectionPool:
        """Make the connections read until the deadline, not for a time of their own."""
        pool: HTTPConnectionPool = super().get_connection_with_tls_context(*args, **kwargs)
        return timed(pool, self._deadline)
