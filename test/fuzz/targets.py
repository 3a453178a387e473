# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Everything that takes bytes from outside, by name: bytes in, and an exception for a finding."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from fuzz import message_targets, model_targets, network_targets, recording_targets
from fuzz.contract import bounded_memory

CORPUS = Path(__file__).parent / 'corpus'
_PACKAGE = 'sam2_tracker_ros'


@dataclass(frozen=True)
class Target:
    """
    One reader of bytes.

    :param read: raises when its contract is broken.
    :param modules: those under test, which coverage is measured of.
    :param needs_ros: it cannot run where rclpy is missing.
    """

    read: Callable[[bytes], None]
    modules: tuple[str, ...]
    needs_ros: bool = False

    @property
    def name(self) -> str:
        """Name of the target, and of the folder with its corpus."""
        return self.read.__name__

    @property
    def corpus(self) -> list[Path]:
        """Files with inputs: good ones, from which others are made, and findings of the past."""
        return sorted((CORPUS / self.name).glob('*'))

    def run(self, data: bytes) -> None:
        """Read an input; an exception is a finding."""
        with bounded_memory():
            self.read(data)


def _target(
    read: Callable[[bytes], None], *modules: str, needs_ros: bool = False
) -> tuple[str, Target]:
    target = Target(read, tuple(f'{_PACKAGE}.{name}' for name in modules), needs_ros)
    return target.name, target


TARGETS = dict(
    [
        _target(message_targets.serialized_image, 'messages'),
        _target(message_targets.serialized_compressed_image, 'messages'),
        _target(message_targets.serialized_prompt, 'messages', 'core.prompts'),
        _target(message_targets.serialized_click, 'messages', 'core.prompts'),
        _target(message_targets.serialized_camera_info, 'messages', 'core.bearing'),
        _target(message_targets.rclpy_messages, 'messages', needs_ros=True),
        _target(model_targets.bundle_manifest, 'inference.bundle'),
        _target(model_targets.bundle_constants, 'inference'),
        _target(model_targets.fetched_record, 'inference.bundle', 'tools.model_store'),
        _target(model_targets.onnx_graph, 'inference'),
        _target(model_targets.graph_outline, 'inference.self_contained'),
        _target(model_targets.precision_yaml, 'inference.precision'),
        _target(model_targets.settings, 'tools.settings', 'core.config'),
        _target(recording_targets.bag_sqlite3, 'replay', 'messages'),
        _target(recording_targets.bag_mcap, 'replay', 'messages'),
        _target(recording_targets.bag_metadata, 'replay', 'messages'),
        _target(recording_targets.clip_folder, 'replay'),
        _target(recording_targets.image_file, 'replay'),
        _target(recording_targets.mask_file, 'replay'),
        _target(recording_targets.video_file, 'replay'),
        _target(network_targets.mavlink_datagrams, 'mavlink'),
        _target(network_targets.mavlink_stream, 'mavlink'),
        _target(network_targets.mavlink_commands, 'mavlink'),
        _target(network_targets.connection_string, 'mavlink.links'),
        _target(network_targets.page_request, 'operator_page'),
        _target(network_targets.page_headers, 'operator_page'),
        _target(network_targets.page_http, 'operator_page'),
    ]
)
