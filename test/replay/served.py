# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Functions for processes of their own."""

from multiprocessing.connection import Connection
import os
import sys


def serve_facts(connection: Connection) -> None:
    main = getattr(sys.modules['__main__'], '__file__', None)
    connection.send((os.getpid(), main))
    connection.recv()


def serve_nothing(_: Connection) -> None:
    sys.exit(3)
