# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Who may open the page: a token, and the names under which a browser knows this machine."""

from collections.abc import Mapping
import hashlib
import hmac
import ipaddress
import socket

from sam2_tracker_ros.operator_page.config import PageConfig

# Nothing from elsewhere is loaded, nobody frames the page, nothing stays in a cache.
SECURITY_HEADERS = {
    'Content-Security-Policy': (
        "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; "
        "object-src 'none'"
    ),
    'X-Content-Type-Options': 'nosniff',
    'X-Frame-Options': 'DENY',
    'Referrer-Policy': 'no-referrer',
    'Cross-Origin-Opener-Policy': 'same-origin',
    'Cross-Origin-Resource-Policy': 'same-origin',
    'Cache-Control': 'no-store',
    'Server': 'operator_page',
}


class Access:
    """
    Decides about a request from its headers.

    A page of another site must not reach this server through the operator's browser. Such a page
    is known by its Origin, or, when its own name was made to mean this machine's address
    (DNS rebinding), by the Host that the browser then sends.
    """

    def __init__(self, config: PageConfig) -> None:
        self._token = config.token.encode()
        own = socket.gethostname().lower()
        names = {'localhost', own, f'{own}.local', *map(str.lower, config.allowed_hosts)}
        self._names = names - {''}

    @property
    def needs_token(self) -> bool:
        """Whether a browser must show the token once."""
        return bool(self._token)

    @property
    def cookie(self) -> str:
        """What a browser keeps that has shown the token; the same after a restart."""
        return hmac.new(self._token, b'operator_page', hashlib.sha256).hexdigest()

    def is_token(self, text: str) -> bool:
        """Return whether the text is the token, in constant time."""
        return self.needs_token and _are_same(self._token, text)

    def is_known(self, cookie: str) -> bool:
        """Return whether the cookie is ours, in constant time."""
        return not self.needs_token or _are_same(self.cookie.encode(), cookie)

    def is_our_host(self, headers: Mapping[str, str]) -> bool:
        """Return whether the browser asked by an address, which cannot be rebound, or our name."""
        name = _host_name(headers.get('Host', ''))
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return name in self._names
        return True

    @staticmethod
    def is_our_page(headers: Mapping[str, str]) -> bool:
        """Return whether the request comes from a page of this server."""
        host = headers.get('Host', '')
        return headers.get('Origin', '') in (f'http://{host}', f'https://{host}')


def _are_same(secret: bytes, text: str) -> bool:
    """Compare in constant time; what is no valid text is replaced, and so never the same."""
    return hmac.compare_digest(secret, text.encode(errors='replace'))


def _host_name(host: str) -> str:
    """Return a Host header without its port, and without the brackets of an IPv6 address."""
    if host.startswith('['):
        return host[1:].partition(']')[0]
    return host.partition(':')[0].lower()
