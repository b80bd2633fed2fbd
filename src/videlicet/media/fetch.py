"""Downloading an address without being led to where only this machine can reach.

An address is resolved once; every one of its IP addresses must be public; the connection goes to
the very address that was checked (a second resolution could answer otherwise); every redirect is
checked the same way.
"""

from __future__ import annotations

import errno
import ipaddress
import os
import secrets
import socket
import time
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urljoin, urlsplit

from videlicet.errors import InvalidInput, StoreError

if TYPE_CHECKING:
    import httpx

    from videlicet.settings import Settings

REDIRECTS = 3
_PORTS = {"http": 80, "https": 443}
_CONNECT, _READ = 10.0, 30.0
#: Seconds in which what is sent must be taken and answered.
_ANSWER = 20.0
#: A server slower than this many bytes a second, over so many seconds, is given up.
_SLOWEST, _PATIENCE = 2048, 60.0
_BLOCK = 1024 * 1024
#: Networks that carry an IPv4 address inside an IPv6 one: prefix → where the 32 bits end.
_NAT64 = ipaddress.ip_network("64:ff9b::/96")
#: Addresses that are nobody's on the public internet, by the IANA registries of special-purpose
#: addresses (RFC 6890) and of multicast. ``is_global`` knows those of when Python was released.
_SPECIAL_V4 = tuple(
    map(
        ipaddress.IPv4Network,
        (
            "0.0.0.0/8", "10.0.0.0/8", "100.64.0.0/10", "127.0.0.0/8", "169.254.0.0/16",
            "172.16.0.0/12", "192.0.0.0/24", "192.0.2.0/24", "192.88.99.0/24", "192.168.0.0/16",
            "198.18.0.0/15", "198.51.100.0/24", "203.0.113.0/24", "224.0.0.0/3",
        ),
    )
)  # fmt: skip
#: The only block of unicast addresses of the public internet that IANA has begun to allocate.
_UNICAST_V6 = ipaddress.IPv6Network("2000::/3")
_SPECIAL_V6 = tuple(map(ipaddress.IPv6Network, ("2001::/23", "2001:db8::/32", "3fff::/20")))

Address = ipaddress.IPv4Address | ipaddress.IPv6Address


@dataclass(frozen=True, slots=True)
class Target:
    """A checked address: what to ask for, and the IP addresses it may be asked from."""

    url: str
    host: str
    port: int
    addresses: tuple[Address, ...]


def fetch(
    url: str,
    into: str | os.PathLike[str],
    settings: Settings,
    *,
    progress: Callable[[int, int | None], None] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Path:
    """Download ``url`` to the file ``into``, which appears only when it is complete. ``headers``
    are sent to the host of ``url`` only, not to those that it redirects to.

    ``progress`` is called with the bytes so far and in all, if the server says.

    Raises:
        InvalidInput: ``url_not_allowed`` for another scheme or port, for names and passwords in
            the address, and for hosts that are not public unless ``fetch_allowlist`` names them;
            ``url_failed`` for a server that does not deliver, or not within ``fetch_timeout``.
        MediaError: ``media_too_large`` beyond ``fetch_max`` bytes.
        StoreError: ``disk_full`` or ``store_not_writable``.
    """
    import anyio
    import httpx

    target = Path(into)
    part = target.with_name(f".{secrets.token_hex(8)}.part")

    async def download() -> None:
        # The client's own limits begin anew with each byte; this one is for the whole.
        with anyio.fail_after(settings.fetch_timeout):
            async with _response(url, settings, headers) as response:
                with _disk(target), open(part, "wb") as file:
                    await _copy(response, file.write, url, settings.fetch_max, progress)
                    file.flush()
                    os.fsync(file.fileno())

    try:
        anyio.run(download)
        with _disk(target):
            os.replace(part, target)
    except httpx.HTTPError as error:
        raise _failed_error(url, str(error) or type(error).__name__) from error
    except TimeoutError as error:
        raise _failed_error(
            url, f"it takes more than {settings.fetch_timeout:g} seconds"
        ) from error
    finally:
        part.unlink(missing_ok=True)
    return target


def post(url: str, body: bytes, headers: Mapping[str, str], settings: Settings) -> int:
    """Send ``body`` to ``url`` and return the status of the answer; redirects are not followed.

    Raises:
        InvalidInput: ``url_not_allowed`` as for :func:`fetch`; ``url_failed`` where no answer came.
    """
    import anyio
    import httpx

    try:
        return anyio.run(_post, check(url, settings), body, headers)
    except httpx.HTTPError as error:
        raise _failed_error(url, str(error) or type(error).__name__) from error
    except TimeoutError as error:
        raise _failed_error(url, f"no answer within {_ANSWER:.0f} seconds") from error


async def _post(target: Target, body: bytes, headers: Mapping[str, str]) -> int:
    import anyio
    import httpx

    with anyio.fail_after(_ANSWER):
        async with httpx.AsyncClient(
            trust_env=False, follow_redirects=False, timeout=_CONNECT
        ) as client:
            response = await _ask(client, target, "POST", headers, body)
            await response.aclose()
            return response.status_code


def exchange(
    method: str,
    url: str,
    settings: Settings,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> tuple[int, bytes]:
    """The status and the body of a short answer; redirects are not followed.

    Raises:
        InvalidInput: ``url_not_allowed`` as for :func:`fetch`; ``url_failed`` where no answer came,
            or more than a megabyte.
    """
    import anyio
    import httpx

    async def ask() -> tuple[int, bytes]:
        target, answer = check(url, settings), bytearray()
        with anyio.fail_after(_ANSWER):
            async with httpx.AsyncClient(
                trust_env=False, follow_redirects=False, timeout=_CONNECT
            ) as client:
                response = await _ask(client, target, method, headers, body)
                try:
                    async for block in response.aiter_raw():
                        answer += block
                        if len(answer) > _BLOCK:
                            raise _failed_error(url, "the answer is too long")
                finally:
                    await response.aclose()
                return response.status_code, bytes(answer)

    try:
        return anyio.run(ask)
    except httpx.HTTPError as error:
        raise _failed_error(url, str(error) or type(error).__name__) from error
    except TimeoutError as error:
        raise _failed_error(url, f"no answer within {_ANSWER:.0f} seconds") from error


def _origin(url: str) -> tuple[str, str | None, int | None]:
    parts = urlsplit(url)
    return parts.scheme, parts.hostname, parts.port


def check(url: str, settings: Settings) -> Target:
    """Resolve an address and refuse it unless all it resolves to may be reached.

    Raises :class:`InvalidInput` ``url_not_allowed`` or, where it does not resolve, ``url_failed``.
    """
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError as error:
        raise _refused_error(url, "it is malformed") from error
    if parts.scheme not in _PORTS:
        raise _refused_error(url, "only http and https are read")
    if not host or parts.username is not None or parts.password is not None:
        raise _refused_error(url, "it must name a host, and no user or password")
    if any(ord(c) <= 32 or ord(c) == 127 for c in url):
        raise _refused_error(url, "it holds blanks or control characters")
    port = port or _PORTS[parts.scheme]
    names, networks = _allowed(settings.fetch_allowlist)
    by_name = host.lower().rstrip(".") in names
    try:
        answers = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise _failed_error(url, "the host is not known") from error
    addresses = tuple(dict.fromkeys(ipaddress.ip_address(a[4][0]) for a in answers))
    special = by_name or all(any(a in n for n in networks) for a in addresses)
    for address in addresses:
        if not by_name and not is_public(address) and not any(address in n for n in networks):
            raise _refused_error(url, "its host is not on the public internet")
    if port not in _PORTS.values() and not special:
        raise _refused_error(url, "only the ports 80 and 443 are read")
    return Target(url, host, port, addresses)


def is_public(address: Address) -> bool:
    """Whether an address, and any IPv4 address wrapped in it, is one of the public internet."""
    if isinstance(address, ipaddress.IPv6Address):
        inner = address.ipv4_mapped or address.sixtofour
        if inner is None and address in _NAT64:
            inner = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
        if inner is None and address.teredo is not None:
            inner = address.teredo[1]
        if inner is not None:
            return is_public(inner)
        if address.scope_id is not None or address not in _UNICAST_V6:
            return False
        return not any(address in network for network in _SPECIAL_V6)
    return not any(address in network for network in _SPECIAL_V4)


def _allowed(setting: str) -> tuple[set[str], list[ipaddress.IPv4Network | ipaddress.IPv6Network]]:
    names: set[str] = set()
    networks: list[ipaddress.IPv4Network | ipaddress.IPv6Network] = []
    for item in filter(None, (part.strip() for part in setting.split(","))):
        try:
            networks.append(ipaddress.ip_network(item, strict=False))
        except ValueError:
            names.add(item.lower().rstrip("."))
    return names, networks


@asynccontextmanager
async def _response(
    url: str, settings: Settings, headers: Mapping[str, str] | None = None
) -> AsyncIterator[httpx.Response]:
    """The answer of the last address of a chain of redirects, its body not yet read."""
    import httpx

    timeout = httpx.Timeout(_READ, connect=_CONNECT)
    current = url
    async with httpx.AsyncClient(
        trust_env=False, follow_redirects=False, timeout=timeout
    ) as client:
        for _ in range(REDIRECTS + 1):
            own = headers if _origin(current) == _origin(url) else None
            response = await _ask(client, check(current, settings), "GET", own)
            try:
                if not response.has_redirect_location:
                    _check_response(response, url)
                    yield response
                    return
                current = urljoin(current, response.headers["location"])
            finally:
                await response.aclose()
    raise _failed_error(url, f"it redirects more than {REDIRECTS} times")


async def _ask(
    client: httpx.AsyncClient,
    target: Target,
    method: str,
    headers: Mapping[str, str] | None = None,
    body: bytes | None = None,
) -> httpx.Response:
    """The answer of the first of the checked addresses that can be connected to."""
    import httpx

    failure: httpx.TransportError | None = None
    for request in _requests(client, target, method, headers, body):
        try:
            return await client.send(request, stream=True)
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            failure = error
    assert failure is not None
    raise failure


def _requests(
    client: httpx.AsyncClient,
    target: Target,
    method: str,
    headers: Mapping[str, str] | None,
    body: bytes | None,
) -> Iterator[httpx.Request]:
    """The same request to each of the addresses that were checked."""
    import httpx

    parsed = httpx.URL(target.url)
    for address in target.addresses:
        yield client.build_request(
            method,
            parsed.copy_with(host=str(address)),
            content=body,
            headers={
                **(headers or {}),
                "Host": parsed.netloc.decode("ascii"),
                "Accept-Encoding": "identity",
                "User-Agent": "videlicet",
            },
            # The certificate is checked against the name, not against the pinned address.
            extensions={"sni_hostname": parsed.raw_host.decode("ascii")},
        )


def _check_response(response: httpx.Response, url: str) -> None:
    if response.status_code != 200:
        raise _failed_error(url, f"the server answered {response.status_code}")
    kind = response.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind in ("text/html", "application/xhtml+xml"):
        raise _failed_error(url, "it is a web page, not a media file")
    if response.headers.get("content-encoding", "identity").lower() != "identity":
        raise _failed_error(url, "the server sends it compressed though not asked to")


async def _copy(
    response: httpx.Response,
    write: Callable[[bytes], int],
    url: str,
    most: int,
    progress: Callable[[int, int | None], None] | None,
) -> None:
    from videlicet.errors import MediaError

    declared = response.headers.get("content-length", "")
    total = int(declared) if declared.isdecimal() else None
    done, begun = 0, time.monotonic()

    def check_size(size: int) -> None:
        if size > most:
            raise MediaError(
                "media_too_large",
                f"{_printable_url(url)} is larger than fetch_max, {most} bytes.",
            )

    check_size(total or 0)
    async for block in response.aiter_raw(_BLOCK):
        write(block)
        done += len(block)
        check_size(done)
        spent = time.monotonic() - begun
        if spent > _PATIENCE and done < spent * _SLOWEST:
            raise _failed_error(url, "the server is too slow")
        if progress is not None:
            progress(done, total)


@contextmanager
def _disk(target: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        code = "disk_full" if error.errno in (errno.ENOSPC, errno.EDQUOT) else "store_not_writable"
        raise StoreError(
            code, f"{target} cannot be written: {error.strerror}.", subject=str(target)
        ) from error


def _refused_error(url: str, why: str) -> InvalidInput:
    return InvalidInput(
        "url_not_allowed",
        f"{_printable_url(url)} may not be fetched: {why}.",
        subject=_printable_url(url),
    )


def _failed_error(url: str, why: str) -> InvalidInput:
    return InvalidInput(
        "url_failed",
        f"{_printable_url(url)} could not be fetched: {why}.",
        subject=_printable_url(url),
    )


def _printable_url(url: str) -> str:
    """An address without the parts that may be secret."""
    try:
        parts = urlsplit(url)
        host = parts.hostname or ""
        port = f":{parts.port}" if parts.port else ""
    except ValueError:
        return "the address"
    return f"{parts.scheme}://{host}{port}{parts.path}"
