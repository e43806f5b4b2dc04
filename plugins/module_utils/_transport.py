# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

# Private to krcloud.credentials: names and behaviour may change in any release.
"""The wire: one `requests.Session`, so that proxies and TLS work as everywhere else, with its surprises taken out.

No redirect is followed, no cookie kept, `~/.netrc` never read. What `requests` cannot do is added here: an answer
must be complete by a deadline however slowly it drips, it has a largest size, and after a failure it is known
whether any byte of the request had left.
"""

from __future__ import annotations

import http.client
import io
import os
import socket
import ssl
import time
from contextvars import ContextVar
from http.cookiejar import DefaultCookiePolicy
from typing import Any, Iterator, List, Mapping, Optional, Tuple
from urllib.parse import urlsplit

from ansible_collections.krcloud.credentials.plugins.module_utils._errors import ConfigurationError
from ansible_collections.krcloud.credentials.plugins.module_utils._http import AnswerLost, NotSent, Request, Response

REQUESTS_IMPORT_ERROR: Optional[ImportError] = None
try:
    import certifi
    import requests
    import urllib3
    from requests.adapters import HTTPAdapter
    from requests.utils import get_environ_proxies
    from urllib3.connection import HTTPConnection, HTTPSConnection
    from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
except ImportError as _error:
    REQUESTS_IMPORT_ERROR = _error
    # Enough for this file to be imported without `requests`.
    HTTPAdapter = HTTPConnection = HTTPSConnection = object  # type: ignore[assignment, misc]  # not used then
    HTTPConnectionPool = HTTPSConnectionPool = object  # type: ignore[assignment, misc]  # not used then

USER_AGENT = "krcloud.credentials"

_CHUNK = 64 * 1024
# Beyond the body and what chunks add to it: status lines, headers, trailers.
_LARGEST_REST = 1024 * 1024
_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class _Attempt:
    """One try at one request: when it must be over, and whether the vendor may have seen any of it."""

    def __init__(self, timeout: float, deadline: float, largest_answer: int) -> None:
        self.timeout = timeout
        self.deadline = deadline
        self.sent = False
        self._largest_answer = largest_answer
        self._room = 2 * largest_answer + _LARGEST_REST

    def received(self, size: int) -> None:
        """Count what came in. http.client has no limit of its own for interim answers, trailers and odd chunks."""
        self._room -= size
        if self._room < 0:
            raise _TooLarge(self._largest_answer)

    def time_for_one_read(self) -> float:
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise TimeoutError("deadline")
        return min(self.timeout, left)


# http.client builds its objects itself and passes nothing on: this is how they know the attempt they serve.
_attempt: ContextVar[_Attempt] = ContextVar("_attempt")


class _BoundedReader(io.RawIOBase):
    """Reads a socket, each time for no longer than the attempt has left."""

    def __init__(self, raw: io.RawIOBase, sock: socket.socket) -> None:
        super().__init__()
        self._raw = raw
        self._sock = sock

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> Any:
        attempt = _attempt.get()
        self._sock.settimeout(attempt.time_for_one_read())
        size = self._raw.readinto(buffer)
        attempt.received(size or 0)
        return size

    def close(self) -> None:
        self._raw.close()
        super().close()


class _BoundedAnswer(http.client.HTTPResponse):
    def __init__(self, sock: socket.socket, *args: Any, **kwargs: Any) -> None:
        super().__init__(sock, *args, **kwargs)
        self.fp = io.BufferedReader(_BoundedReader(self.fp.detach(), sock))


class _WatchedConnection:
    """Mixed into urllib3's connections: tells the attempt when the first byte of a request leaves."""

    response_class: Any = _BoundedAnswer
    sock: Any
    _held: Optional[bytearray] = None

    def request(self, *args: Any, **kwargs: Any) -> None:
        # Left to urllib3, headers and body go out one after the other, and both ends have the work twice.
        self._held = bytearray()
        try:
            super().request(*args, **kwargs)  # type: ignore[misc]  # a mixin: urllib3 has it
        finally:
            whole, self._held = self._held, None
        self.send(whole)

    def connect(self) -> Any:
        try:
            return super().connect()  # type: ignore[misc]  # a mixin: urllib3 has it
        finally:
            # What went out so far was a handshake, or a CONNECT to a proxy.
            _attempt.get().sent = False

    def send(self, data: Any) -> Any:
        if self._held is not None:
            self._held += data
            return None
        if self.sock is None:
            self.connect()
        _attempt.get().sent = True
        return super().send(data)  # type: ignore[misc]  # a mixin: urllib3 has it


class _PlainConnection(_WatchedConnection, HTTPConnection):
    pass


class _TlsConnection(_WatchedConnection, HTTPSConnection):
    pass


class _PlainPool(HTTPConnectionPool):
    ConnectionCls = _PlainConnection


class _TlsPool(HTTPSConnectionPool):
    ConnectionCls = _TlsConnection


class TlsAdapter(HTTPAdapter):
    """`requests`' adapter with one TLS context for all connections; None where there is no TLS."""

    def __init__(self, context: Optional[ssl.SSLContext], connections: int) -> None:
        self._context = context
        super().__init__(pool_maxsize=connections)

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, ssl_context=self._context, **kwargs)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        return super().proxy_manager_for(proxy, ssl_context=self._context, **kwargs)

    def cert_verify(self, conn: Any, url: str, verify: Any, cert: Any) -> None:
        # The context has loaded its authorities once; left to `requests`, every new connection would read them again.
        conn.cert_reqs = self._context.verify_mode if self._context else None


class _Adapter(TlsAdapter):
    """The same with our connections."""

    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        _use_our_pools(self.poolmanager)

    def proxy_manager_for(self, proxy: str, **kwargs: Any) -> Any:
        manager = super().proxy_manager_for(proxy, **kwargs)
        _use_our_pools(manager)
        return manager


def _use_our_pools(manager: Any) -> None:
    if not type(manager).__name__.startswith("SOCKS"):
        manager.pool_classes_by_scheme = {"http": _PlainPool, "https": _TlsPool}


def tls_context(validate_certs: bool, ca_path: Optional[str], environ: Mapping[str, str]) -> ssl.SSLContext:
    """Return a client context, TLS 1.2 or newer.

    The authorities are those of ``ca_path`` (a PEM file, or a folder as made by `openssl rehash`), else those that
    REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names, else those of certifi. Raises ConfigurationError.
    """
    if not validate_certs:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        source, path = _authorities(ca_path, environ)
        try:
            folder = os.path.isdir(path)
            context = ssl.create_default_context(cafile=None if folder else path, capath=path if folder else None)
        except FileNotFoundError:
            raise ConfigurationError(
                f"{source} names {path}, which does not exist: give a PEM file or folder of certificate authorities."
            ) from None
        except OSError as error:
            raise ConfigurationError(
                f"{source} names {path}, which is no usable list of certificate authorities ({type(error).__name__})."
            ) from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _authorities(ca_path: Optional[str], environ: Mapping[str, str]) -> Tuple[str, str]:
    if ca_path:
        return "ca_path", os.path.expanduser(ca_path)
    for name in _CA_VARIABLES:
        if environ.get(name):
            return f"the environment variable {name}", environ[name]
    return "certifi", certifi.where()


class RequestsTransport:
    """A `Transport` to the host of ``api_url``. Threads may share it; ``connections`` is how many it keeps open."""

    def __init__(
        self, api_url: str, *, validate_certs: bool = True, ca_path: Optional[str] = None, connections: int = 1
    ) -> None:
        self._validate = validate_certs
        if not validate_certs:
            # Each task warns of it in its result. This would be said on standard error, once for each request.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        session = _Session()
        session.trust_env = False
        session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        session.headers.clear()
        session.headers.update({"User-Agent": USER_AGENT, "Accept-Encoding": "identity"})
        secure = urlsplit(api_url).scheme == "https"
        context = tls_context(validate_certs, ca_path, os.environ) if secure else None
        session.mount("https://" if secure else "http://", _Adapter(context, connections))
        self._session = session
        # Asked for once: each time it goes through the whole environment.
        self._proxies = get_environ_proxies(api_url, no_proxy=None)

    def send(self, request: Request, timeout: float, deadline: float) -> Response:
        """See `Transport.send`."""
        attempt = _Attempt(timeout, deadline, request.largest_answer)
        token = _attempt.set(attempt)
        try:
            return self._send(request, attempt)
        except (
            requests.RequestException,
            urllib3.exceptions.HTTPError,
            http.client.HTTPException,
            OSError,
            ValueError,
            TypeError,  # what requests makes of a proxy URL without a host
        ) as error:
            if not attempt.sent:
                raise _untrusted(error) or NotSent(_reason(error, attempt)) from None
            raise AnswerLost(_reason(error, attempt)) from None
        finally:
            _attempt.reset(token)

    def _send(self, request: Request, attempt: _Attempt) -> Response:
        prepared = self._session.prepare_request(
            requests.Request("POST", request.url, headers=dict(request.headers), data=request.body)
        )
        answer = self._session.send(
            prepared,
            stream=True,
            timeout=attempt.time_for_one_read(),
            verify=self._validate,
            proxies=self._proxies,
            allow_redirects=False,
        )
        received_at = time.time()
        headers = {name.lower(): value for name, value in answer.headers.items()}
        try:
            body = self._body(answer.raw, headers, request.largest_answer)
        except BaseException:
            answer.raw.close()
            raise
        answer.raw.release_conn()
        return Response(answer.status_code, headers, body, received_at)

    @staticmethod
    def _body(raw: Any, headers: Mapping[str, str], largest: int) -> bytes:
        announced = headers.get("content-length", "")
        expected = int(announced[:16]) if announced.isdecimal() else None
        if expected is not None and expected > largest:
            raise _TooLarge(largest)
        body = bytearray()
        while True:
            chunk = raw.read(min(_CHUNK, largest + 1), decode_content=False)
            if not chunk:
                break
            body += chunk
            if len(body) > largest:
                raise _TooLarge(largest)
        if expected is not None and len(body) < expected:
            raise http.client.IncompleteRead(b"", expected - len(body))
        return bytes(body)

    def close(self) -> None:
        """Close all connections."""
        self._session.close()


class _TooLarge(ValueError):
    """The answer is larger than the operation allows."""


if REQUESTS_IMPORT_ERROR is None:

    class _Session(requests.Session):
        def get_redirect_target(self, resp: Any) -> None:
            """No answer leads anywhere else; left to `requests`, the body would be read to look for the next hop."""


# OpenSSL: X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH.
_EXPIRED, _OTHER_NAME = 10, (62, 64)


def _untrusted(error: BaseException) -> Optional[NotSent]:
    """Return what to say of a certificate that is not accepted, None if the failure is another."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            if cause.verify_code in _OTHER_NAME:
                why, hint = "is for another name", "Check api_url."
            elif cause.verify_code == _EXPIRED:
                why, hint = "has expired", "Check the clock of this host; else the server needs a new one."
            else:
                why = f"is not trusted ({cause.verify_message})"
                hint = "If its authority is one of your own, name that in ca_path."
            return NotSent(f"its TLS certificate {why}", hint, lasting=True)
    return None


def _reason(error: BaseException, attempt: _Attempt) -> str:
    """Say why a request failed, in words of our own: the texts of these exceptions quote URLs and answers."""
    causes = list(_causes(error))

    def has(*kinds: Any) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if isinstance(error, _TooLarge):
        return f"the answer is larger than {error.args[0]} bytes"
    if has(
        TypeError,
        requests.exceptions.InvalidProxyURL,
        urllib3.exceptions.ProxySchemeUnknown,
        urllib3.exceptions.LocationParseError,
    ):
        return "the proxy setting of the environment is not a valid URL"
    if has(requests.exceptions.InvalidSchema):
        return "the proxy setting of the environment needs a library that is missing (PySocks)"
    if has(requests.exceptions.ProxyError, urllib3.exceptions.ProxyError):
        return "the proxy of the environment did not connect"
    if has(socket.gaierror, UnicodeError):
        return "the host name could not be resolved"
    if has(ConnectionRefusedError):
        return "the connection was refused"
    if has(TimeoutError, socket.timeout, requests.Timeout, urllib3.exceptions.TimeoutError):
        if attempt.deadline - time.monotonic() <= 0.05:
            return "the deadline passed"
        return (
            f"no answer within {attempt.timeout:g} s" if attempt.sent else f"no connection within {attempt.timeout:g} s"
        )
    if has(ssl.SSLError):
        return "the TLS connection failed"
    if has(http.client.IncompleteRead, urllib3.exceptions.IncompleteRead):
        return "the answer broke off"
    if has(http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError, urllib3.exceptions.ProtocolError):
        return "the connection was closed before the answer was complete"
    return f"the connection failed ({type(causes[-1]).__name__})"


def _causes(error: Optional[BaseException]) -> Iterator[BaseException]:
    """Yield an exception and all that it wraps: `requests` and urllib3 put the cause into args or ``reason``."""
    seen: List[BaseException] = []
    waiting: List[Any] = [error]
    while waiting:
        cause = waiting.pop(0)
        if isinstance(cause, BaseException) and cause not in seen:
            seen.append(cause)
            yield cause
            waiting += [getattr(cause, "reason", None), cause.__cause__, cause.__context__, *cause.args]
