# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Whom the MAVLink bridge believes: the parameters about it."""

from pathlib import Path

from rclpy.node import Node

from sam2_tracker_ros.errors import ConfigError
from sam2_tracker_ros.mavlink.links import is_open_to_strangers
from sam2_tracker_ros.mavlink.signing import read_signing_key
from sam2_tracker_ros.ros.read_only import read_only_parameter


def signing_key_of(node: Node, connection: str) -> bytes:
    """
    Declare the parameters, and return the key of MAVLink 2's signatures; empty without one.

    :raises ConfigError: the key cannot be read, or strangers could point the camera and nobody
        said that they may.
    """
    file = read_only_parameter(
        node, 'signing_key_file', '', 'File with the passphrase that packets are signed with.'
    )
    may_be_unsigned = read_only_parameter(
        node, 'allow_unsigned', False, 'Let whoever reaches an udpin connection point the camera.'
    )
    if file:
        return read_signing_key(Path(file).expanduser())
    if not is_open_to_strangers(connection):
        return b''
    if not may_be_unsigned:
        message = (
            f'connection {connection!r} can be reached from the network, and there is no key: '
            'whoever sends there could point the camera; set signing_key_file, listen at '
            '127.0.0.1, or set allow_unsigned in a network that you trust'
        )
        raise ConfigError(message)
    node.get_logger().warning(f'whoever reaches {connection} can point the camera: not signed')
    return b''
