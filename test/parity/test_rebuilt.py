# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The stored references are what PyTorch makes of the small originals today: `make parity`."""

import importlib.util

import numpy as np
import pytest

pytest.importorskip('torch', reason='torch is not installed: make parity installs it')
pytest.importorskip('transformers', reason='transformers is not installed: make parity does it')

# These import torch.
from references.make import ORIGINALS, calls_of
from references.stored import FOLDER, load_calls, load_runs

from sam2_tracker_ros.parity.comparison import Bounds, compare

pytestmark = pytest.mark.parity
MAX_ERROR = 1e-4


@pytest.mark.parametrize('name', list(ORIGINALS))
def test_references_can_be_made_again(name: str) -> None:
    if 'efficienttam' in name and importlib.util.find_spec('efficient_track_anything') is None:
        pytest.skip("EfficientTAM's package is not installed; see test/parity/requirements.txt")
    original = ORIGINALS[name]()
    stored = load_runs(FOLDER / f'{name}.npz.xz')
    runs = original.runs()
    assert sorted(runs) == sorted(stored)
    for scenario, run in runs.items():
        assert all(target.is_within(Bounds()) for target in compare(run, stored[scenario]))
    calls = calls_of(original.export(original.model, name, {}))
    stored_calls = load_calls(FOLDER / f'{name}_calls.npz.xz')
    assert stored_calls.keys() <= calls.keys()
    for call, (_, outputs) in stored_calls.items():
        for output, values in outputs.items():
            assert np.abs(values - calls[call][1][output]).max() < MAX_ERROR, call
