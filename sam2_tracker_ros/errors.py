# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The one error tree of the package; every message says what to do next."""

from reprlib import Repr

_SHORT = Repr()
_SHORT.maxlevel = 2
_SHORT.maxstring = _SHORT.maxother = _SHORT.maxlong = 200


class Sam2TrackerError(Exception):
    """Anything this package refuses to do, with what was wrong, expected and to do next."""


class ModelError(Sam2TrackerError):
    """A model bundle is missing, damaged or does not fit, or inference failed."""


class ImageError(Sam2TrackerError):
    """An image cannot be used: unknown encoding, wrong size, truncated data."""


class PromptError(Sam2TrackerError):
    """A prompt cannot be used: outside the image, not finite, unknown target."""


class SourceError(Sam2TrackerError):
    """A recording cannot be read: no such file, no image topic, damaged."""


class ConfigError(Sam2TrackerError):
    """A setting is out of its range or does not exist."""


def shown(value: object) -> str:
    """Return a value from outside as a message can show it: short, and printable."""
    try:
        return _SHORT.repr(value)
    except ValueError:  # Python writes down no number of more than 4300 digits
        return f'a {type(value).__name__} that is too long to be shown'
