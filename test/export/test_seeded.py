# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Random weights: nothing at zero, nothing like another, the same for the same seed."""

from typing import Any

import pytest

torch = pytest.importorskip('torch', reason="export needs torch: pip install '.[export]'")

from sam2_tracker_ros.export.seeded import object_score_bias, randomise  # noqa: E402

CHANNELS, MEMORY_CHANNELS = 32, 16


def small_model(family: str) -> Any:
    if family == 'sam2':
        pytest.importorskip('transformers', reason='transformers is not installed')
        from references.small_sam2 import small_sam2  # noqa: PLC0415

        return small_sam2(CHANNELS, MEMORY_CHANNELS)
    pytest.importorskip('efficient_track_anything', reason='EfficientTAM is not installed')
    from references.small_efficienttam import small_efficienttam  # noqa: PLC0415

    return small_efficienttam('efficienttam_ti')


@pytest.fixture(scope='module', params=['sam2', 'efficienttam'])
def model(request: pytest.FixtureRequest) -> Any:
    found = small_model(request.param)
    randomise(found, seed=1)
    return found


def weights(model: Any) -> dict[str, Any]:
    return {name: values.clone() for name, values in model.state_dict().items()}


def test_no_parameter_is_zero_or_constant(model: Any) -> None:
    for name, values in model.named_parameters():
        assert values.isfinite().all(), name
        assert values.count_nonzero() == values.numel(), name
        assert values.numel() == 1 or values.std() > 1e-3, name


def test_scales_are_those_of_trained_networks(model: Any) -> None:
    parts = {
        name: values.detach()
        for name, values in model.named_parameters()
        if values.numel() >= CHANNELS and 'mask_decoder' not in name
    }
    linears = {
        f'{name}.weight': module.in_features
        for name, module in model.named_modules()
        if isinstance(module, torch.nn.Linear)
    }
    assert parts.keys() & linears.keys()
    for name, values in parts.items():
        if name in linears:
            assert values.std() * linears[name] ** 0.5 == pytest.approx(1.0, abs=0.2), name
        elif name.endswith('.bias'):
            assert values.std() == pytest.approx(0.05, abs=0.02), name
        elif 'norm' in name and name.endswith('.weight'):
            assert values.mean() == pytest.approx(1.0, abs=0.1), name
    scales = [values for name, values in parts.items() if name.endswith(('.gamma', '.scale'))]
    assert scales
    for values in scales:
        assert values.mean() == pytest.approx(0.5, abs=0.1)


def test_decoder_attends_softly(model: Any) -> None:
    """Its queries and keys are a quarter of the usual size; nothing else of it is."""
    decoder = getattr(model, 'mask_decoder', None) or model.sam_mask_decoder
    sizes: dict[bool, list[float]] = {True: [], False: []}
    for name, module in decoder.transformer.named_modules():
        if isinstance(module, torch.nn.Linear):
            size = module.weight.detach().std() * module.in_features**0.5
            sizes[name.endswith(('q_proj', 'k_proj'))].append(float(size))
    assert sizes[True] == pytest.approx([0.25] * len(sizes[True]), abs=0.05)
    assert sizes[False] == pytest.approx([1.0] * len(sizes[False]), abs=0.2)
    assert all(sizes.values())


def test_layers_that_were_cloned_differ(model: Any) -> None:
    first, second = (dict(layer.named_parameters()) for layer in model.memory_attention.layers[:2])
    for name, values in first.items():
        assert not torch.equal(values, second[name]), name


def test_seed_decides_everything(model: Any) -> None:
    before = weights(model)
    for values in model.parameters():
        values.data.zero_()
    randomise(model, seed=1)
    again = weights(model)
    assert all(torch.equal(values, again[name]) for name, values in before.items())


def test_seed_decides_the_random_tables_too(model: Any) -> None:
    """The libraries draw them when they build a model: two builds would differ."""
    family = 'sam2' if hasattr(model, 'mask_decoder') else 'efficienttam'
    other = small_model(family)
    randomise(other, seed=1)
    found = weights(other)
    assert all(torch.equal(values, found[name]) for name, values in weights(model).items())
    randomise(other, seed=2)
    for name, values in other.named_parameters():
        if values is not object_score_bias(other):
            assert not torch.equal(values, found[name]), name


def test_bias_of_the_object_score_is_that_of_the_scores_head(model: Any) -> None:
    decoder = getattr(model, 'mask_decoder', None) or model.sam_mask_decoder
    token = torch.ones(1, CHANNELS)
    with torch.no_grad():
        before = decoder.pred_obj_score_head(token)
        object_score_bias(model).add_(-7.0)
        after = decoder.pred_obj_score_head(token)
        object_score_bias(model).add_(7.0)
    assert before.item() > 0.0
    assert (after - before).item() == pytest.approx(-7.0, abs=1e-5)
