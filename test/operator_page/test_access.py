# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

import socket

import pytest

from sam2_tracker_ros.errors import ConfigError
from sam2_tracker_ros.operator_page.access import Access
from sam2_tracker_ros.operator_page.config import PageConfig

TOKEN = 'a-token-of-some-length'  # noqa: S105 - of the test


@pytest.mark.parametrize('host', ['127.0.0.1', '127.1.2.3', '::1', 'localhost'])
def test_this_machine_needs_no_token(host: str) -> None:
    assert not Access(PageConfig(host)).needs_token
    assert Access(PageConfig(host, token=TOKEN)).needs_token


@pytest.mark.parametrize('host', ['0.0.0.0', '::', '', '192.168.1.5', 'drone.local'])  # noqa: S104
def test_any_other_address_needs_a_token(host: str) -> None:
    with pytest.raises(ConfigError, match='there is no token'):
        PageConfig(host)
    assert PageConfig(host, token=TOKEN).token == TOKEN


def test_a_short_token_is_refused() -> None:
    with pytest.raises(ConfigError, match='has 5 characters, at least 16'):
        PageConfig(token='12345')  # noqa: S106 - refused


@pytest.mark.parametrize(
    'host',
    [
        *('127.0.0.1:8090', 'localhost', 'LOCALHOST:1', '[::1]:8090', '192.168.1.5:8090'),
        *('page.example:80', socket.gethostname(), f'{socket.gethostname()}.local:8090'),
    ],
)
def test_addresses_and_own_names_are_ours(host: str) -> None:
    access = Access(PageConfig(allowed_hosts=('Page.Example',)))
    assert access.is_our_host({'Host': host})


@pytest.mark.parametrize('host', ['', 'evil.example', 'localhost.evil.example', '[evil]:1', ':80'])
def test_other_names_are_not_ours(host: str) -> None:
    assert not Access(PageConfig()).is_our_host({'Host': host})


def test_our_page_has_our_origin() -> None:
    assert Access.is_our_page({'Host': 'a:1', 'Origin': 'http://a:1'})
    assert Access.is_our_page({'Host': 'a', 'Origin': 'https://a'})
    for origin in ('', 'null', 'http://a', 'http://a:2', 'http://evil.example', 'http://a:1.evil'):
        assert not Access.is_our_page({'Host': 'a:1', 'Origin': origin})


def test_the_cookie_is_not_the_token_and_outlives_a_restart() -> None:
    access = Access(PageConfig(token=TOKEN))
    assert access.is_token(TOKEN)
    assert TOKEN not in access.cookie
    assert access.is_known(Access(PageConfig(token=TOKEN)).cookie)
    for wrong in ('', TOKEN, 'x' * 64, '\udc80', 'é'):
        assert not access.is_known(wrong)
        assert not access.is_token(wrong[::-1])
    other = Access(PageConfig(token=TOKEN[::-1]))
    assert not access.is_known(other.cookie)
    assert not Access(PageConfig()).is_token('')
