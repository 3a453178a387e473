# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
The node `tracker` with a model that fails as it is told, for the fault campaign.

Each line of standard input is a FaultPlan as a JSON object; an empty one lets the model be well.
"""

from collections.abc import Callable, Iterable
import json
import sys
import threading

from sam2_tracker_ros.core.config import ModelConfig
from sam2_tracker_ros.core.model import AnyModel
from sam2_tracker_ros.core.staged_model import in_one_call
from sam2_tracker_ros.inference import load_model
from sam2_tracker_ros.ros import tracker_node
from sam2_tracker_ros.testing.faulty_model import FaultPlan, FaultSwitch, load_faulty


def follow_lines(lines: Iterable[str], switch: FaultSwitch) -> None:
    """Follow the plan of each line until the last one."""
    for line in lines:
        fields = json.loads(line)
        switch.follow(FaultPlan(**{**fields, 'faults': tuple(fields.get('faults', ()))}))


def main() -> None:
    """Run the node until SIGINT or SIGTERM."""
    switch = FaultSwitch()
    threading.Thread(target=follow_lines, args=(sys.stdin, switch), daemon=True).start()

    def load(config: ModelConfig, on_progress: Callable[[str], None]) -> AnyModel:
        return load_faulty(lambda: in_one_call(load_model(config, on_progress)), switch)

    tracker_node.main(load)


if __name__ == '__main__':
    main()
