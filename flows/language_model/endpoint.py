"""Decides how the endpoint is spoken to: one address, within limits, again where that may help."""

import ipaddress
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime

import httpx

from flows.language_model.answer import HTTP_ERROR, MALFORMED, RATE_LIMITED, TIMEOUT
from flows.settings import LanguageModelSettings, SettingsError

MAX_RESPONSE_BYTES = 1_000_000
FIRST_WAIT_SECONDS = 1.0
MAX_WAIT_SECONDS = 60.0


@dataclass(frozen=True)
class Endpoint:
    """Where requests go.

    Attributes:
        url: Of the chat completions.
        is_local: Whether it is this machine; then no proxy comes between, and no key is needed.
        key: Bearer token, if any.
    """

    url: str
    is_local: bool
    key: str | None = field(repr=False)


@dataclass(frozen=True)
class Posted:
    """What came of a request with all its attempts.

    Attributes:
        content: Of the answer; empty where there is none.
        failure: Why there is no answer, or None.
        lost_count: Attempts that may be charged for though no answer says how much.
    """

    content: bytes
    failure: str | None
    lost_count: int


Post = Callable[[str], Posted]


@dataclass(frozen=True)
class _Tried:
    content: bytes = b""
    failure: str | None = None
    is_transient: bool = False
    is_lost: bool = False
    retry_after_seconds: float = 0.0


def find_endpoint(settings: LanguageModelSettings, environ: Mapping[str, str]) -> Endpoint:
    """The endpoint that the settings name, with the key from the environment.

    Raises:
        SettingsError: The address cannot be trusted with text, or there is no usable key.
    """
    try:
        url = httpx.URL(settings.url)
    except (httpx.InvalidURL, ValueError):
        raise SettingsError("language_model.url: is not an address") from None
    if url.userinfo or url.query or url.fragment or not url.host:
        raise SettingsError("language_model.url: must be scheme, host and path alone")
    is_local = _is_loopback(url.host)
    if url.scheme != "https" and not (url.scheme == "http" and is_local):
        raise SettingsError("language_model.url: must be https, unless it is this machine")
    key = environ.get(settings.key_variable, "").strip()
    if not key and not is_local:
        raise SettingsError(f"language_model: set {settings.key_variable} to the endpoint's key")
    if not (key.isascii() and key.isprintable()) or " " in key:
        raise SettingsError(f"language_model: {settings.key_variable} does not hold a key")
    return Endpoint(f"{settings.url.rstrip('/')}/chat/completions", is_local, key or None)


@contextmanager
def open_endpoint(
    endpoint: Endpoint, settings: LanguageModelSettings, sleep: Callable[[float], None]
) -> Iterator[Post]:
    """Connections for as long as they are needed; `Post` may be called by several threads."""
    headers = {"Content-Type": "application/json", "Accept-Encoding": "identity"}
    if endpoint.key is not None:
        headers["Authorization"] = f"Bearer {endpoint.key}"
    with httpx.Client(
        headers=headers,
        timeout=settings.timeout_seconds,
        limits=httpx.Limits(max_connections=settings.workers),
        follow_redirects=False,
        trust_env=not endpoint.is_local,
    ) as client:
        yield lambda body: _post(client, endpoint.url, body, settings, sleep)


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _post(
    client: httpx.Client,
    url: str,
    body: str,
    settings: LanguageModelSettings,
    sleep: Callable[[float], None],
) -> Posted:
    tried = _try(client, url, body.encode(), settings.timeout_seconds)
    lost_count = int(tried.is_lost)
    for again in range(settings.max_attempts - 1):
        if not tried.is_transient:
            break
        backoff = FIRST_WAIT_SECONDS * 2.0**again
        sleep(min(max(backoff, tried.retry_after_seconds), MAX_WAIT_SECONDS))
        tried = _try(client, url, body.encode(), settings.timeout_seconds)
        lost_count += tried.is_lost
    return Posted(tried.content, tried.failure, lost_count)


def _try(client: httpx.Client, url: str, body: bytes, timeout_seconds: float) -> _Tried:
    """One attempt. Errors are reduced to names here: their own words can quote the request."""
    deadline = time.monotonic() + timeout_seconds
    try:
        with client.stream("POST", url, content=body) as response:
            return _read(response, deadline)
    except (httpx.ConnectTimeout, httpx.PoolTimeout):
        return _Tried(failure=TIMEOUT, is_transient=True)
    except httpx.TimeoutException:
        return _Tried(failure=TIMEOUT, is_transient=True, is_lost=True)
    except httpx.ConnectError:
        return _Tried(failure=HTTP_ERROR, is_transient=True)
    except httpx.HTTPError:
        return _Tried(failure=HTTP_ERROR, is_transient=True, is_lost=True)


def _read(response: httpx.Response, deadline: float) -> _Tried:
    if response.status_code == httpx.codes.TOO_MANY_REQUESTS:
        pause = _retry_after(response)
        return _Tried(failure=RATE_LIMITED, is_transient=True, retry_after_seconds=pause)
    if response.is_server_error:
        pause = _retry_after(response)
        return _Tried(
            failure=HTTP_ERROR, is_transient=True, is_lost=True, retry_after_seconds=pause
        )
    if response.status_code != httpx.codes.OK:  # redirects too: text goes to one address only
        return _Tried(failure=HTTP_ERROR)
    content = bytearray()
    for chunk in response.iter_raw():  # raw: a compressed answer could unpack to any size
        content += chunk
        if len(content) > MAX_RESPONSE_BYTES:
            return _Tried(failure=MALFORMED, is_lost=True)
        if time.monotonic() > deadline:  # the client's own timeout starts anew with every byte
            return _Tried(failure=TIMEOUT, is_transient=True, is_lost=True)
    return _Tried(content=bytes(content))


def _retry_after(response: httpx.Response) -> float:
    """Seconds that the server asks to wait: a number or a date."""
    value = response.headers.get("Retry-After", "")
    if value.isdecimal():
        return float(value)
    try:
        return (parsedate_to_datetime(value) - datetime.now(UTC)).total_seconds()
    except (ValueError, TypeError):  # a date without a zone cannot be subtracted
        return 0.0
