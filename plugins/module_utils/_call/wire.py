# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""The wire: urllib3, the engine of `requests`, and `requests` itself where a proxy of the environment is to be used.

urllib3 follows no redirect unless told to, keeps no cookie and never reads `~/.netrc`. What it cannot do is added
here: an answer must be complete by a deadline however slowly it drips, it has a largest size, and after a failure it
is known whether any byte of the request had left.
"""

from __future__ import annotations

import http.client
import os
import socket
import ssl
import sys
import time
from typing import Any, Iterator, List, Mapping, Optional, Tuple
from urllib.parse import urlsplit

from ansible_collections.krcloud.credentials.plugins.module_utils._call import address, attempts, transport
from ansible_collections.krcloud.credentials.plugins.module_utils._core import errors

REQUESTS_IMPORT_ERROR: Optional[ImportError] = None
try:
    import certifi
    import urllib3
except ImportError as _error:
    # Both come with `requests`.
    REQUESTS_IMPORT_ERROR = _error

USER_AGENT = "krcloud.credentials"

_CHUNK = 64 * 1024
_CA_VARIABLES = ("REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE")


class _WatchedConnection:
    """Mixed into urllib3's connections: tells the attempt when the first byte of a request leaves."""

    response_class: Any = attempts.BoundedAnswer
    sock: Any
    _held: Optional[bytearray] = None

    def request(self, *args: Any, **kwargs: Any) -> None:
        # urllib3 alone would send headers and body one after the other, which costs both ends twice the work.
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
            attempts.current.get().sent = False

    def send(self, data: Any) -> Any:
        if self._held is not None:
            self._held += data
            return None
        if self.sock is None:
            self.connect()
        attempts.current.get().sent = True
        return super().send(data)  # type: ignore[misc]  # a mixin: urllib3 has it


def tls_context(
    validate_certs: bool, ca_path: Optional[str], environ: Mapping[str, str], called: str = "ca_path"
) -> ssl.SSLContext:
    """Return a client context, TLS 1.2 or newer.

    The authorities are those of ``ca_path`` (a PEM file, or a folder as made by `openssl rehash`), otherwise those that
    REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names, otherwise those of certifi. ``called`` is the name of the option
    ``ca_path`` in messages. Raises ConfigurationError.
    """
    if not validate_certs:
        context = ssl.create_default_context()
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    else:
        source, path = _authorities(ca_path, environ, called)
        try:
            folder = os.path.isdir(path)
            context = ssl.create_default_context(cafile=None if folder else path, capath=path if folder else None)
        except FileNotFoundError:
            if path != path.strip() or not path.isprintable():
                raise errors.ConfigurationError(
                    f"{source} has blanks around it or control characters in it.",
                    hint="Often a line break of the file it was read from.",
                ) from None
            raise errors.ConfigurationError(
                f"{source} names {path}, which does not exist: give a PEM file or folder of certificate authorities."
            ) from None
        except (OSError, ValueError) as error:  # the latter of a path with a NUL
            why = f"is not a usable list of certificate authorities ({type(error).__name__})"
            raise errors.ConfigurationError(f"{source} names {path}, which {why}.") from None
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _authorities(ca_path: Optional[str], environ: Mapping[str, str], called: str) -> Tuple[str, str]:
    if ca_path:
        return called, os.path.expanduser(ca_path)
    for name in _CA_VARIABLES:
        if environ.get(name):
            return f"the environment variable {name}", environ[name]
    return "certifi", certifi.where()


class PooledTransport:
    """A `Transport` to the host of ``api_url``. Threads may share it; it keeps up to ``connections`` open.

    Making one raises ConfigurationError for a bad ``ca_path``, and RequestsMissing.
    """

    def __init__(
        self,
        api_url: str,
        *,
        validate_certs: bool = True,
        ca_path: Optional[str] = None,
        ca_path_called: str = "ca_path",
        connections: int = 1,
    ) -> None:
        if not validate_certs:
            # Each task warns about it in its result. urllib3 would warn on standard error for each request.
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
        parts = urlsplit(api_url)
        context = tls_context(validate_certs, ca_path, os.environ, ca_path_called) if parts.scheme == "https" else None
        tls = {"ssl_context": context, "cert_reqs": context and context.verify_mode}
        self._pool: Any = None
        self._no_way = ""
        try:
            self._pool = _pool(api_url, connections, tls)
        except _NoWay as fault:
            self._no_way = str(fault)
        # To a proxy without a tunnel goes the whole URL, to all others what is behind the host.
        self._whole_url = bool(self._pool) and parts.scheme == "http" and self._pool.proxy is not None

    def send(self, request: transport.Request, timeout: float, deadline: float) -> transport.Response:
        """See `Transport.send`."""
        if self._no_way:
            raise transport.NotSent(self._no_way)
        attempt = attempts.Attempt(timeout, deadline, request.largest_answer)
        token = attempts.current.set(attempt)
        try:
            return self._send(request, attempt)
        except attempts.TooLarge as error:
            raise transport.TooLarge(_reason(error, attempt)) from None
        except (urllib3.exceptions.HTTPError, http.client.HTTPException, OSError, ValueError) as error:
            if not attempt.sent:
                raise _untrusted(error) or transport.NotSent(_reason(error, attempt)) from None
            raise transport.AnswerLost(_reason(error, attempt)) from None
        finally:
            attempts.current.reset(token)

    def _send(self, request: transport.Request, attempt: attempts.Attempt) -> transport.Response:
        # The method for requests without fields takes the headers as they are; `request` copies them.
        answer = self._pool.request_encode_url(
            request.method,
            request.url if self._whole_url else "/" + "".join(request.url.split("/", 3)[3:]),
            body=request.body or None,
            headers={"User-Agent": USER_AGENT, "Accept-Encoding": "identity", **request.headers},
            timeout=attempt.time_for_one_read(),
            retries=False,
            redirect=False,
            assert_same_host=False,
            preload_content=False,
            decode_content=False,
        )
        received_at = time.time()
        try:
            body = self._body(answer, request.largest_answer)
        except BaseException:
            answer.close()
            raise
        answer.release_conn()
        return transport.Response(answer.status, answer.headers, body, received_at)

    @staticmethod
    def _body(raw: Any, largest: int) -> bytes:
        announced = raw.headers.get("content-length", "")
        expected = int(announced[:16]) if announced.isdecimal() else None
        # Chunks end where the last one says so, whatever length is announced beside them (RFC 9112, 6.3).
        in_chunks = "transfer-encoding" in raw.headers
        if expected is not None and expected > largest:
            raise attempts.TooLarge(largest)
        body = bytearray()
        while True:
            chunk = raw.read(min(_CHUNK, largest + 1), decode_content=False)
            if not chunk:
                break
            body += chunk
            if len(body) > largest:
                raise attempts.TooLarge(largest)
            if len(body) == expected and not in_chunks:
                break
        if expected is not None and len(body) < expected:
            raise http.client.IncompleteRead(b"", expected - len(body))
        return bytes(body)

    def close(self) -> None:
        """Close all connections."""
        if self._pool:
            self._pool.close()


class RequestsMissing(Exception):
    """A proxy has to be used, and the library that understands its setting is missing."""


class _NoWay(Exception):
    """No connection can be made with these settings. Says why in one clause."""


def _pool(api_url: str, connections: int, tls: Mapping[str, Any]) -> Any:
    """Return the connections to a host, or to the proxy that stands before it. Raises _NoWay."""
    proxy = _proxy_of_environment(api_url)
    manager = _proxy_manager(proxy, connections, tls) if proxy else urllib3.PoolManager(maxsize=connections, **tls)
    manager.pool_classes_by_scheme = {scheme: _watched(pool) for scheme, pool in manager.pool_classes_by_scheme.items()}
    try:
        return manager.connection_from_url(api_url)
    except (urllib3.exceptions.HTTPError, ValueError):
        raise _NoWay(_NO_SUCH_NAME) from None


def _watched(pool: Any) -> Any:
    """Return a kind of connection pool whose connections tell the attempt what they do."""
    connection = type("_Connection", (_WatchedConnection, pool.ConnectionCls), {})
    return type("_Pool", (pool,), {"ConnectionCls": connection})


def _proxy_of_environment(api_url: str) -> Optional[str]:
    """Return the URL of the proxy that the environment names for this host, None if there is none.

    `requests` knows all the ways to write it, and is slow to import. Raises RequestsMissing.
    """
    # A proxy would get the request in clear text, and its own loopback is another machine.
    if address.is_loopback(urlsplit(api_url).hostname or ""):
        return None
    names = {name.lower() for name in os.environ if name.lower().endswith("_proxy")} - {"no_proxy"}
    # On a Mac, proxies can also be in the settings of the system.
    if not names and sys.platform != "darwin":
        return None
    try:
        from requests.utils import get_environ_proxies, select_proxy
    except ImportError:
        raise RequestsMissing from None
    proxy: Optional[str] = select_proxy(api_url, get_environ_proxies(api_url, no_proxy=None))
    return proxy


def _proxy_manager(proxy: str, connections: int, tls: Mapping[str, Any]) -> Any:
    """Return what makes connections through a proxy. Raises _NoWay."""
    from requests.adapters import HTTPAdapter
    from requests.exceptions import InvalidSchema
    from requests.utils import prepend_scheme_if_needed

    try:
        url = prepend_scheme_if_needed(proxy, "http")  # type: ignore[no-untyped-call]  # requests has no types for it
        if not urllib3.util.parse_url(url).host:
            raise ValueError
        return HTTPAdapter(pool_maxsize=connections).proxy_manager_for(url, **tls)
    except InvalidSchema:
        raise _NoWay("the proxy setting of the environment needs a library that is missing (PySocks)") from None
    except (urllib3.exceptions.HTTPError, ValueError, TypeError):  # the last for a URL with a user and no host
        raise _NoWay(_NO_PROXY_URL) from None


_NO_SUCH_NAME = "the host name could not be resolved"
_NO_PROXY_URL = "the proxy setting of the environment is not a valid URL"
# OpenSSL: X509_V_ERR_CERT_HAS_EXPIRED, X509_V_ERR_HOSTNAME_MISMATCH, X509_V_ERR_IP_ADDRESS_MISMATCH.
_EXPIRED, _OTHER_NAME = 10, (62, 64)


def _untrusted(error: BaseException) -> Optional[transport.NotSent]:
    """Return what to say of a certificate that is not accepted, None if the failure is another."""
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            if cause.verify_code in _OTHER_NAME:
                why, hint = "is for another name", "Check api_url."
            elif cause.verify_code == _EXPIRED:
                why, hint = (
                    "has expired",
                    "Check the clock of this host. If it is right, the server needs a new certificate.",
                )
            else:
                why = f"is not trusted ({cause.verify_message})"
                hint = "If it was issued by an authority of your own, name that authority in ca_path."
            return transport.NotSent(f"its TLS certificate {why}", hint, lasting=True)
    return None


def _reason(error: BaseException, attempt: attempts.Attempt) -> str:
    """Say why a request failed, in words of our own: the texts of these exceptions quote URLs and answers."""
    causes = list(_causes(error))

    def has(*kinds: Any) -> bool:
        return any(isinstance(cause, kinds) for cause in causes)

    if isinstance(error, attempts.TooLarge):
        return f"the answer is larger than {error.args[0]} bytes"
    if has(urllib3.exceptions.ProxyError):
        return "the proxy of the environment did not connect"
    if has(socket.gaierror, UnicodeError, urllib3.exceptions.LocationParseError):
        return _NO_SUCH_NAME
    if has(ConnectionRefusedError):
        return "the connection was refused"
    if has(TimeoutError, socket.timeout, urllib3.exceptions.TimeoutError):
        if attempt.deadline - time.monotonic() <= 0.05:
            return "the deadline passed"
        return f"no {'answer' if attempt.sent else 'connection'} within {attempt.timeout:g} s"
    if has(ssl.SSLError):
        return "the TLS connection failed"
    if has(http.client.IncompleteRead, urllib3.exceptions.IncompleteRead):
        return "the answer broke off"
    if has(http.client.RemoteDisconnected, ConnectionResetError, BrokenPipeError, urllib3.exceptions.ProtocolError):
        return "the connection was closed before the answer was complete"
    return f"the connection failed ({type(causes[-1]).__name__})"


def _causes(error: Optional[BaseException]) -> Iterator[BaseException]:
    """Yield an exception and all that it wraps: urllib3 puts the cause into args or ``reason``."""
    seen: List[BaseException] = []
    waiting: List[Any] = [error]
    while waiting:
        cause = waiting.pop(0)
        if isinstance(cause, BaseException) and cause not in seen:
            seen.append(cause)
            yield cause
            waiting += [getattr(cause, "reason", None), cause.__cause__, cause.__context__, *cause.args]
