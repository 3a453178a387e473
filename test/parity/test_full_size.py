# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The architectures at full size, with seeded weights, against PyTorch: `make parity`."""

import importlib.util

import numpy as np
import pytest

torch = pytest.importorskip('torch', reason='torch is not installed: make parity installs it')
pytest.importorskip('transformers', reason='transformers is not installed: make parity does it')

# These import torch.
from parity.originals import (  # noqa: E402
    ADAPTED,
    BUILD,
    EXACT,
    UNMODIFIED,
    Form,
    Original,
    clip,
    config,
    opened,
    reference,
    reference_run,
)

from sam2_tracker_ros.parity.comparison import Bounds, compare, table  # noqa: E402
from sam2_tracker_ros.parity.plots import draw_masks, draw_series  # noqa: E402
from sam2_tracker_ros.parity.runs import track  # noqa: E402
from sam2_tracker_ros.parity.stages import (  # noqa: E402
    camera_picture,
    preprocessing_difference,
)

pytestmark = pytest.mark.parity
torch.set_num_threads(2)

TINY_512 = Original('sam2.1-hiera-tiny', 512)
TINY_1024 = Original('sam2.1-hiera-tiny', 1024)
EFFICIENT_512 = Original('efficienttam_ti_512x512', 512)
POOLED_512 = Original('efficienttam_ti_2', 512)
SAM2_SCENARIOS = ('box', 'point', 'two', 'correction')
EFFICIENT_SCENARIOS = SAM2_SCENARIOS[:3]
# What the issue asks for: our export and the published form, exact; the latter unmodified too.
UNMODIFIED_BOUNDS = Bounds(0.99, np.inf, np.inf)
CHAIN_FRAMES = 150

needs_efficienttam = pytest.mark.skipif(
    importlib.util.find_spec('efficient_track_anything') is None,
    reason="EfficientTAM's package is not installed; see test/parity/requirements.txt",
)


def cases(original: Original, names: tuple[str, ...], forms: tuple[Form, ...]) -> list[object]:
    """Return test cases; the forms of one scenario follow each other and share the reference."""
    is_efficienttam = original.architecture.startswith('efficienttam')
    marks = needs_efficienttam if is_efficienttam else ()
    return [
        pytest.param(original, name, form, id=f'{original}-{name}-{form.name}', marks=marks)
        for name in names
        for form in forms
    ]


def check_every_frame(original: Original, name: str, form: Form) -> None:
    scenario = clip(original.size_px)[name]
    expected = reference_run(original, name)
    ours = track(opened(original, form), scenario)
    bounds = UNMODIFIED_BOUNDS if form is UNMODIFIED else Bounds()
    rows = [(f'{name} {form.name}', compare(ours, expected))]
    print(f'\n{original}\n{table(rows, bounds)}', flush=True)
    pictures = BUILD / 'pictures'
    draw_series(pictures / f'{original}-{name}-{form.name}.png', rows, bounds)
    draw_masks(pictures / f'{original}-{name}-{form.name}-masks.png', scenario, ours, expected)
    assert all(target.is_within(bounds) for target in rows[0][1])


@pytest.mark.parametrize(
    ('original', 'name', 'form'),
    [
        *cases(TINY_512, SAM2_SCENARIOS, (EXACT, ADAPTED, UNMODIFIED)),
        *cases(EFFICIENT_512, EFFICIENT_SCENARIOS, (EXACT,)),
        *cases(POOLED_512, EFFICIENT_SCENARIOS, (EXACT,)),
    ],
)
def test_every_frame_is_the_originals(original: Original, name: str, form: Form) -> None:
    check_every_frame(original, name, form)


@pytest.mark.parametrize(
    ('original', 'form'),
    [
        pytest.param(TINY_512, EXACT, id='sam2'),
        pytest.param(TINY_512, ADAPTED, id='sam2-published'),
        pytest.param(EFFICIENT_512, EXACT, id='efficienttam', marks=needs_efficienttam),
        pytest.param(POOLED_512, EXACT, id='efficienttam-pooled', marks=needs_efficienttam),
    ],
)
def test_every_call_of_every_graph_is_the_modules(original: Original, form: Form) -> None:
    scenario = clip(original.size_px)['box']
    report = reference(original).check_stages(config(original, form), scenario)
    print(f'\n{original} {form.name}\n{report.table()}', flush=True)
    assert report.worst < 1e-3
    assert {case.split()[0] for case in report.cases['memory_attention']} == set('1234567')


@pytest.mark.parametrize('size_px', [512, 1024])
def test_preprocessing_is_near_the_originals(size_px: int) -> None:
    picture = camera_picture(clip(1024)['box'].frames[0])
    largest, mean = preprocessing_difference(picture, size_px)
    print(f'\npreprocessing 1280x720 to {size_px}: {largest:.0f} grey levels, mean {mean:.3f}')
    assert mean < 1.0


def test_a_long_chain_does_not_drift() -> None:
    scenario = clip(TINY_512.size_px, CHAIN_FRAMES)['box']
    expected = reference_run(TINY_512, 'box', CHAIN_FRAMES)
    rows = [('chain', compare(track(opened(TINY_512, EXACT), scenario), expected))]
    bounds = Bounds()
    print(f'\n{TINY_512}\n{table(rows, bounds)}', flush=True)
    draw_series(BUILD / 'pictures' / 'chain.png', rows, bounds)
    (chain,) = rows[0][1]
    early, late = chain.mask_iou[20:50], chain.mask_iou[-30:]
    print(f'IoU of frames 20-49 {early.mean():.7f}, of the last 30 {late.mean():.7f}', flush=True)
    assert chain.is_within(bounds)
    # As many pixels differ at the end; a mask has some 100,000, of which a few are at the edge.
    assert late.mean() >= early.mean() - 2e-5


@pytest.mark.parametrize(
    ('original', 'name', 'form'),
    [
        *cases(TINY_1024, SAM2_SCENARIOS[:2], (ADAPTED, UNMODIFIED, EXACT)),
        *cases(TINY_1024, SAM2_SCENARIOS[2:], (ADAPTED, EXACT)),
    ],
)
def test_every_frame_is_the_originals_at_1024(original: Original, name: str, form: Form) -> None:
    check_every_frame(original, name, form)
