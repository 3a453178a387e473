# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A ground station on the other side of a UDP link, with pymavlink's own connection."""

import os
from typing import Any

# Read when mavutil is imported; commands in version 1 packets would lose their extensions.
os.environ['MAVLINK20'] = '1'

from pymavlink import mavutil
from pymavlink.dialects.v20 import common

SYSTEM, COMPONENT = 255, 190
CAMERA = (1, common.MAV_COMP_ID_CAMERA)


class GroundStation:
    """Listens on a free port of this machine, and remembers everything that it hears."""

    def __init__(self, connection: str = 'udpin:127.0.0.1:0') -> None:
        self._link = mavutil.mavlink_connection(
            connection, source_system=SYSTEM, source_component=COMPONENT, dialect='common'
        )
        self.received: list[Any] = []

    @property
    def port(self) -> int:
        return int(self._link.port.getsockname()[1])

    @property
    def heard_ports(self) -> set[int]:
        """Ports that something came from."""
        return {port for _, port in self._link.clients}

    def close(self) -> None:
        self._link.close()

    def sign_with(self, key: bytes) -> None:
        """Sign what is sent from now on."""
        self._link.setup_signing(key)

    def send_bytes(self, data: bytes) -> None:
        self._link.write(data)

    def command(
        self,
        number: int,
        *parameters: float,
        confirmation: int = 0,
        target: tuple[int, int] = CAMERA,
    ) -> None:
        """Send a COMMAND_LONG; parameters that are left out are 0."""
        filled = (*parameters, *(0.0,) * (7 - len(parameters)))
        self._link.mav.command_long_send(*target, number, confirmation, *filled)

    def command_int(self, number: int, *parameters: float) -> None:
        """Send a COMMAND_INT, which has whole numbers as parameters 5 and 6."""
        filled = (*parameters, *(0,) * (7 - len(parameters)))
        first, x, y, z = filled[:4], filled[4], filled[5], filled[6]
        self._link.mav.command_int_send(*CAMERA, 0, number, 0, 0, *first, int(x), int(y), z)

    def listen(self) -> None:
        """Let in what has come."""
        while (message := self._link.recv_msg()) is not None:
            self.received.append(message)

    def of(self, name: str) -> list[Any]:
        """Return what was received of a message, by its name."""
        self.listen()
        return [message for message in self.received if message.get_type() == name]

    def results(self, number: int) -> list[int]:
        """Return the results in the acknowledgements of a command."""
        return [ack.result for ack in self.of('COMMAND_ACK') if ack.command == number]

    def texts(self) -> list[str]:
        """Return the texts for people, put together again."""
        texts: list[str] = []
        for message in self.of('STATUSTEXT'):
            if message.chunk_seq and texts:
                texts[-1] += message.text
            else:
                texts.append(message.text)
        return texts

    def statuses(self) -> list[Any]:
        return self.of('CAMERA_TRACKING_IMAGE_STATUS')
