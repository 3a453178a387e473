# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Which EfficientTAM is loaded, how large it is, and what is refused."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip('torch', reason="export needs torch: pip install '.[export]'")
pytest.importorskip(
    'efficient_track_anything', reason='EfficientTAM is not installed: see docs on exporting it'
)

from export.small_efficienttam_export import PLAIN, POOLED, seeded_model  # noqa: E402

from sam2_tracker_ros.errors import ModelError  # noqa: E402
from sam2_tracker_ros.export.efficienttam import (  # noqa: E402
    efficienttam_export,
    load_efficienttam,
    memory_attention,
)
from sam2_tracker_ros.export.seeded import randomise  # noqa: E402


@pytest.fixture(scope='module', autouse=True)
def _few_threads() -> Iterator[None]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope='module')
def originals() -> dict[str, Any]:
    return {configuration: seeded_model(configuration) for configuration in (PLAIN, POOLED)}


@pytest.mark.parametrize(
    ('configuration', 'size_px'), [('efficienttam_ti_512x512', None), (PLAIN, 256), (POOLED, 512)]
)
def test_parts_are_as_large_as_published(configuration: str, size_px: int | None) -> None:
    model = load_efficienttam(configuration, None, size_px)
    assert model.image_size == (size_px or 512)
    assert model.sam_mask_decoder.dynamic_multimask_via_stability
    assert model.binarize_mask_from_pts_for_mem_enc
    parts = ('image_encoder', 'memory_attention', 'sam_mask_decoder', 'memory_encoder')
    counted = [sum(p.numel() for p in getattr(model, part).parameters()) for part in parts]
    assert [round(count / 1e6, 2) for count in counted] == [6.16, 5.92, 4.19, 1.38]


def test_parameters_are_counted_by_module(originals: dict[str, Any]) -> None:
    model = originals[PLAIN]
    counted = efficienttam_export(model, 'small', {}).parameters
    assert counted['total'] == sum(values.numel() for values in model.parameters())
    decoder = sum(values.numel() for values in model.sam_mask_decoder.parameters())
    assert counted['mask_decoder'] == decoder
    assert list(counted) == [
        'image_encoder',
        'memory_attention',
        'mask_decoder',
        'memory_encoder',
        'total',
    ]


def test_checkpoint_is_loaded(tmp_path: Path) -> None:
    model = load_efficienttam(PLAIN, None, 256)
    randomise(model, seed=3)
    path = tmp_path / 'efficienttam_ti.pt'
    torch.save({'model': model.state_dict()}, path)
    loaded = load_efficienttam(PLAIN, path, 256)
    assert not loaded.training
    for name, values in model.state_dict().items():
        assert torch.equal(values, loaded.state_dict()[name]), name


def test_wrong_checkpoint_is_refused(tmp_path: Path) -> None:
    path = tmp_path / 'other.pt'
    with pytest.raises(ModelError, match=r'other\.pt does not exist; expected a checkpoint'):
        load_efficienttam(PLAIN, path)
    torch.save({'model': {'other': torch.zeros(1)}}, path)
    with pytest.raises(ModelError, match=r'cannot be built .*expected one of efficienttam_ti'):
        load_efficienttam(PLAIN, path)


def test_unknown_configuration_is_refused() -> None:
    with pytest.raises(ModelError, match="'nano' is no EfficientTAM; expected efficienttam_ti"):
        load_efficienttam('nano', None)
    with pytest.raises(ModelError, match=r'efficienttam_huge .*expected one of efficienttam_ti'):
        load_efficienttam('efficienttam_huge', None)


def test_other_pooling_is_refused() -> None:
    model = load_efficienttam('efficienttam_ti_1', None, 256)
    with pytest.raises(ModelError, match=r'is a EfficientRoPEAttention1; expected RoPEAttention'):
        efficienttam_export(model, 'small', {})


@pytest.mark.parametrize(('kind', 'size_px'), [(PLAIN, 250), (POOLED, 272)])
def test_size_that_cells_do_not_fit_is_refused(kind: str, size_px: int) -> None:
    with pytest.raises(ModelError, match=f'the image size is {size_px}; expected a multiple of'):
        memory_attention(load_efficienttam(kind, None, size_px))
