# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The command `sam2-tracker VERB`; every verb is one module with `add_to` and `run`."""

import argparse
from collections.abc import Sequence
from importlib import import_module
import sys
from typing import NoReturn

from sam2_tracker_ros.errors import Sam2TrackerError
from sam2_tracker_ros.replay.interruption import ended_by_signals, status_of

# Name of the module and its one line in the list of verbs; a verb's module is imported when used.
VERBS = {
    'replay': 'track a target through a bag, a video or a folder of images',
    'models': 'list the model bundles that are there, or fetch one',
    'export': 'make a model bundle from a PyTorch checkpoint',
    'parity': 'compare a model bundle with its original in PyTorch, or with another bundle',
    'evaluate': 'measure trackers on clips with truth, side by side',
    'benchmark': 'measure what a model costs on this machine',
}
BAD_INPUT = 2


class _Parser(argparse.ArgumentParser):
    """Says in one line what is wrong with the arguments, without the usage in front of it."""

    def error(self, message: str) -> NoReturn:
        self.exit(BAD_INPUT, f'{self.prog}: {message}; see {self.prog} --help\n')


def main(arguments: Sequence[str] | None = None) -> int:
    """
    Run one verb.

    :return: 2, after one line on stderr, for anything that is wrong with the input; 130 or 143
        after SIGINT or SIGTERM.
    """
    words = list(sys.argv[1:] if arguments is None else arguments)
    verb = words[0] if words else ''
    try:
        with ended_by_signals():
            return _run(words)
    except (Sam2TrackerError, OSError) as error:
        print(f'sam2-tracker {verb}: {error}', file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt as interrupt:
        print(f'sam2-tracker {verb}: interrupted', file=sys.stderr)
        return status_of(interrupt)


def _run(words: Sequence[str]) -> int:
    parser = _Parser(
        prog='sam2-tracker', description='Follow objects through recordings with SAM 2.'
    )
    verbs = parser.add_subparsers(dest='verb', required=True, metavar='VERB')
    for name, summary in VERBS.items():
        description = f'{summary[0].upper()}{summary[1:]}.'
        verb = verbs.add_parser(name, help=summary, description=description)
        if words[:1] == [name]:
            import_module(f'sam2_tracker_ros.tools.{name}').add_to(verb)
    options = parser.parse_args(words)
    return int(import_module(f'sam2_tracker_ros.tools.{options.verb}').run(options))
