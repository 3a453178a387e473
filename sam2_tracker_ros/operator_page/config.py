# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What the server is told when it starts."""

from dataclasses import dataclass
import ipaddress

from sam2_tracker_ros.errors import ConfigError

MIN_TOKEN_LENGTH = 16


@dataclass(frozen=True)
class PageConfig:
    """
    Where the page is served, and to whom.

    :param host: address to listen on.
    :param port: 0 for any free one.
    :param token: what a browser must show; may be empty on this machine alone.
    :param allowed_hosts: names by which the page may be opened, besides addresses and localhost.
    :param max_pages: that may be open at the same time.
    :param max_rate_hz: pictures in a second that a page gets at most.
    :raises ConfigError: anybody in the network could point the camera.
    """

    host: str = '127.0.0.1'
    port: int = 8090
    token: str = ''
    allowed_hosts: tuple[str, ...] = ()
    max_pages: int = 8
    max_rate_hz: float = 30.0

    def __post_init__(self) -> None:
        if self.token and len(self.token) < MIN_TOKEN_LENGTH:
            message = (
                f'token has {len(self.token)} characters, at least {MIN_TOKEN_LENGTH} are needed; '
                'make one with: python3 -c "import secrets; print(secrets.token_urlsafe())"'
            )
            raise ConfigError(message)
        if not self.token and not is_loopback(self.host):
            message = (
                f'host {self.host!r} can be reached from the network, and there is no token; set '
                'the parameter token, or host to 127.0.0.1'
            )
            raise ConfigError(message)


def is_loopback(host: str) -> bool:
    """Return whether only this machine reaches the address."""
    if host == 'localhost':
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
