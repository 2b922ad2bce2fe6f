"""How URLs are written: as people and programs write them, and as they go over the wire.

What is unusual in form alone is put right: blanks around a URL, capitals, names beyond ASCII,
default ports, fragments. Nothing is made of what is ambiguous, for parsers that read a URL
differently are how a check is got around. Where a URL leads is not looked at here.
"""

import re
import unicodedata
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit, urlunsplit

import idna

from faceserver.errors import InvalidUrl

_BLANK = " \t\r\n\ufeff\u200b\u200e\u200f\u2060"
"""What copying from a page or a list puts around a URL, the invisible included."""

# Parsers read both of these differently; a URL that is well-formed has neither.
_CONTROL_OR_BACKSLASH = re.compile(r"[\x00-\x1f\x7f-\x9f\\]")

_DOTS = re.compile("[.\u3002\uff0e\uff61]")
_LABEL = "[a-z0-9_-]{1,63}"
_HOST = re.compile(rf"({_LABEL}\.)*{_LABEL}|[0-9a-f:]*:[0-9a-f:.]*")
"""A name or an IPv6 address as it is on the wire: names beyond ASCII are written as xn--..."""

_SCHEME = re.compile(r"[a-zA-Z]+:[/\\]*")

_PLACE = re.compile(r"(\[[^\[\]]*:[^\[\]]*\]|[^\[\]:]+)(:\d*)?")
"""Host and port as they stand in a URL: of nothing else may anything be left out."""

_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True)
class WebAddress:
    """A URL as it goes over the wire.

    Attributes:
        url: in ASCII but for its path and query; without fragment.
        scheme: http or https.
        host: a name in lower case, or an address; IPv6 without brackets.
        port: the scheme's own where the URL has none.
    """

    url: str
    scheme: str
    host: str
    port: int

    def sends_secrets_to(self, other: "WebAddress") -> bool:
        """Whether what was told to this address may be told to another one that it leads to.

        It may stay on the same host and port, and turn from http to https on the usual ones.
        """
        if self.host != other.host:
            return False
        return (self.scheme, self.port) == (other.scheme, other.port) or (
            (self.scheme, self.port, other.scheme, other.port) == ("http", 80, "https", 443)
        )


def trimmed(url: str) -> str:
    """A URL without blanks, line breaks and invisible characters around it."""
    start, end = 0, len(url)
    while start < end and _is_blank(url[start]):
        start += 1
    while end > start and _is_blank(url[end - 1]):
        end -= 1
    return url[start:end]


def parse(url: str) -> WebAddress:
    """Read a URL of the web.

    Raises:
        InvalidUrl: it is no well-formed http or https URL, or holds credentials.
    """
    url = trimmed(url)
    if _CONTROL_OR_BACKSLASH.search(url):
        raise InvalidUrl("The URL contains a control character or a backslash.")
    try:
        parts = urlsplit(url)
        host, port = parts.hostname or "", parts.port
    except ValueError as error:
        raise InvalidUrl("This is not a well-formed http or https URL.") from error
    if parts.scheme not in _PORTS:
        hint = ": send what it holds as base64" if parts.scheme == "data" else ""
        raise InvalidUrl(f"The URL does not begin with http:// or https://{hint}.")
    if "@" in parts.netloc:
        raise InvalidUrl("The URL contains a user name or password: send them in `auth` instead.")
    host = _on_the_wire(host)
    if not _PLACE.fullmatch(parts.netloc) or not _HOST.fullmatch(host) or port == 0:
        raise InvalidUrl("The URL has no valid host and port.")
    port = port or _PORTS[parts.scheme]
    return WebAddress(_joined(parts, host, port), parts.scheme, host, port)


def tellable(url: str) -> str:
    """A URL as it may be told and kept: without blanks around it, and without credentials.

    A well-formed one holds none. Of another one, everything between its scheme and its last ``@``
    goes: who knows where a password ends.
    """
    url = trimmed(url)
    try:
        parse(url)
    except InvalidUrl:
        start, found, rest = url.rpartition("@")
        scheme = _SCHEME.match(start)
        return f"{scheme[0] if scheme else ''}{rest}" if found else url
    return url


def _joined(parts: SplitResult, host: str, port: int) -> str:
    place = f"[{host}]" if ":" in host else host
    if port != _PORTS[parts.scheme]:
        place = f"{place}:{port}"
    return urlunsplit((parts.scheme, place, parts.path, parts.query, ""))


def _on_the_wire(host: str) -> str:
    """A host as name servers know it: UTS 46 maps it, IDNA 2008 encodes it.

    What looks like digits becomes digits, so that the address they make is looked at as such.
    """
    if not host.isascii():
        host = ".".join(map(_encoded, _DOTS.split(host)))
    # The root's dot says nothing more, and no certificate has it.
    return host.lower().removesuffix(".")


def _encoded(label: str) -> str:
    if label.isascii():
        return label
    try:
        mapped = idna.uts46_remap(label, std3_rules=True, transitional=False)
        return mapped if mapped.isascii() else idna.alabel(mapped).decode()
    except (idna.IDNAError, UnicodeError) as error:
        raise InvalidUrl("The URL's host is not a valid host name.") from error


def _is_blank(character: str) -> bool:
    return character in _BLANK or unicodedata.category(character) == "Zs"
