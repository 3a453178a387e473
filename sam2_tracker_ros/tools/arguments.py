# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Counts on the command line."""

from argparse import ArgumentTypeError


def count(text: str) -> int:
    """Read a whole number from 0 up."""
    if not text.isdecimal():
        message = f'{text!r} is not a whole number from 0'
        raise ArgumentTypeError(message)
    return int(text)


def positive_count(text: str) -> int:
    """Read a whole number from 1 up."""
    number = count(text)
    if number == 0:
        message = 'expected at least 1'
        raise ArgumentTypeError(message)
    return number
