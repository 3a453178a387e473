# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The tracker as plain SAM 2, to compare models by nothing but their masks."""

from sam2_tracker_ros.core.config import Config, StatusConfig, TrackerConfig

# With these the tracker is plain SAM 2: it looks at the whole image, believes every mask at once
# and as it is, and remembers every frame.
PLAIN_SAM2 = Config(
    tracker=TrackerConfig(
        memory_selection='recency',
        min_target_size_px=0.0,
        remember_unmeasured=True,
        min_component_fraction=0.0,
    ),
    status=StatusConfig(
        min_object_score_logit=-10.0,
        min_predicted_iou=0.0,
        min_mask_area_px=1,
        max_area_ratio=1000.0,
        motion_gate=0.0,
        resume_frames=1,
        reacquire_frames=1,
        reacquire_time_s=0.0,
    ),
)
