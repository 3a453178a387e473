# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The shipped `nano` against its own PyTorch, in the loop that it was trained in."""

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='torch is not installed: make parity installs it')

from sam2_tracker_ros.core.config import ModelConfig  # noqa: E402
from sam2_tracker_ros.inference import load_model  # noqa: E402
from sam2_tracker_ros.parity.clip import Scenario, scenarios, seeded_clip  # noqa: E402
from sam2_tracker_ros.parity.comparison import Bounds, compare, table  # noqa: E402
from sam2_tracker_ros.parity.runs import Run, TargetRun, track  # noqa: E402
from sam2_tracker_ros.parity.torch_clip import normalised  # noqa: E402
from training.checkpoint import load_model as load_network  # noqa: E402
from training.model import Nano  # noqa: E402
from training.rollout import Guidance, Sequences  # noqa: E402
from training.rollout import track as roll_out  # noqa: E402

pytestmark = pytest.mark.parity

CHECKPOINT = Path(__file__).resolve().parents[2] / 'resource' / 'nano' / 'checkpoint.pt'
FRAMES = 48


def rolled_out(network: Nano, scenario: Scenario) -> Run:
    """Track with PyTorch alone: no graph, no tracker of ours."""
    count, frames = scenario.target_count, len(scenario.frames)
    prompts = [prompt for prompt in scenario.prompts if prompt.frame == 0]
    corners = [
        [[prompt.box.left, prompt.box.top], [prompt.box.right, prompt.box.bottom]]
        for prompt in prompts
        if prompt.box is not None
    ]
    side = network.config.image_size_px // network.config.mask_stride
    sequences = Sequences(
        pixels=normalised(scenario.frames),
        masks=torch.zeros(count, frames, side, side),
        presence=torch.ones(count, frames),
        points=torch.tensor(corners),
        labels=torch.tensor([[2, 3]] * count, dtype=torch.int32),
    )
    with torch.no_grad():
        decoded = roll_out(network, sequences, Guidance())
    size = scenario.frames.shape[1:3]

    def run_of(target: int) -> TargetRun:
        logits = torch.stack([frame.mask[target, 0] for frame in decoded])
        large = torch.nn.functional.interpolate(logits[:, None], size, mode='bilinear')
        return TargetRun(
            logits=logits.numpy(),
            scores=np.array([frame.object_score[target].item() for frame in decoded], np.float32),
            pointers=torch.stack([frame.pointer[target] for frame in decoded]).numpy(),
            masks=large[:, 0].numpy() > 0.0,
        )

    return tuple(run_of(target) for target in range(count))


@pytest.mark.parametrize('name', ['box', 'two'])
def test_the_shipped_bundle_is_its_checkpoint(name: str) -> None:
    network, _ = load_network(CHECKPOINT)
    network.eval()
    scenario = scenarios(seeded_clip(network.config.image_size_px, FRAMES))[name]
    ours = track(load_model(ModelConfig(model='nano')), scenario)
    rows = [(name, compare(ours, rolled_out(network, scenario)))]
    bounds = Bounds()
    print(f'\nnano\n{table(rows, bounds)}', flush=True)
    assert all(target.is_within(bounds) for target in rows[0][1])
