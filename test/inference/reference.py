# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The mathematics of the tiny graphs once more, in float64 numpy and without padding."""

from collections.abc import Sequence
from typing import Any

from inference.tiny_form import (
    CHANNELS,
    COARSE,
    FINE,
    FINE_CHANNELS,
    IMAGE,
    MEAN,
    MEMORY_CHANNELS,
    STD,
    TOKENS,
    Form,
    weights_of,
)
import numpy as np
from numpy.typing import NDArray

from sam2_tracker_ros.core.model import DecoderPrompt
from sam2_tracker_ros.core.types import UInt8Array

Array = NDArray[Any]

BOX = DecoderPrompt(np.array([[3.0, 4.0], [9.0, 12.5]], np.float32), np.array([2, 3], np.int32))
# Float32 against float64, and now and then a token that rounds to the other bfloat16.
TOLERANCE = 1e-4
# What a wrong row or age changes at least; far above the tolerance.
VISIBLE = 1e-2


def image(seed: int) -> UInt8Array:
    return np.random.default_rng(seed).integers(0, 256, (IMAGE, IMAGE, 3), np.uint8)


def rounded_to_bfloat16(values: Array) -> Array:
    """Keep eight bits of the significand, ties to even."""
    significand, exponent = np.frexp(values)
    return np.asarray(np.ldexp(np.round(significand * 256.0) / 256.0, exponent))


class Reference:
    """The mathematics of the graphs in float64 numpy, over exactly the memories that exist."""

    def __init__(self, form: Form) -> None:
        self.form = form
        self.weights = {name: w.astype(np.float64) for name, w in weights_of(form).items()}

    def features(self, image: UInt8Array) -> tuple[Array, Array]:
        """Return coarse [T, C] and fine [F * F, 3] features."""
        pixels = (image / 255.0 - MEAN) / STD
        return (
            _patches(pixels, 4) @ self.weights['coarse'].reshape(CHANNELS, -1).T,
            _patches(pixels, 2) @ self.weights['fine'].reshape(FINE_CHANNELS, -1).T,
        )

    def decode(
        self, image: UInt8Array, conditioned: Array | None, points: Array, labels: Array
    ) -> dict[str, Array]:
        """Return masks [K, F, F], iou [K], score and pointers [K, Cp]; conditioned is [T, C]."""
        w, (coarse, fine) = self.weights, self.features(image)
        if conditioned is None:
            conditioned = coarse + w['no_memory'].reshape(1, -1)
        pooled = conditioned.mean(axis=0)
        detail = 2.0 * fine if self.form.is_published else fine + coarse.mean()
        shift = pooled @ w['mask_pooled'] + (points * labels[:, None]).sum(0) @ w['mask_point']
        masks = (detail @ w['mask_fine'].reshape(-1, FINE_CHANNELS).T + shift).T
        return {
            'masks': masks.reshape(-1, FINE, FINE),
            'iou': 1.0 / (1.0 + np.exp(-(pooled @ w['iou']))),
            'score': (pooled @ w['score'])[:1],
            'pointers': (pooled @ w['pointer']).reshape(self.form.candidates, -1),
        }

    def memory(self, image: UInt8Array, mask: Array, score: float, is_prompted: bool) -> Array:
        """Return tokens [T, Cm]; mask [F, F] is enlarged where the form wants it large."""
        w, (coarse, _) = self.weights, self.features(image)
        soft = (mask > 0) * 1.0 if is_prompted else 1.0 / (1.0 + np.exp(-mask))
        cells = soft.reshape(COARSE, 2, COARSE, 2).mean(axis=(1, 3)).reshape(-1, 1)
        tokens = coarse @ w['token_feature'] + cells @ w['token_mask']
        is_absent = score <= 0 and not self.form.is_efficienttam
        return np.asarray(
            tokens + is_prompted * w['token_prompted'] + is_absent * w['token_absent']
        )

    def remembered(self, image: UInt8Array, mask: Array, score: float, is_prompted: bool) -> Array:
        """Return what the original keeps of the tokens: bfloat16 in the published model."""
        tokens = self.memory(image, mask, score, is_prompted)
        return rounded_to_bfloat16(tokens) if self.form.is_published else tokens

    def attend(
        self,
        image: UInt8Array,
        memories: Sequence[tuple[Array, int]],
        pointers: Sequence[tuple[Array, int]],
    ) -> Array:
        """Return [T, C]; memories with temporal rows, pointers with ages in frames."""
        w = self.weights
        keys, values = [], []
        for tokens, row in memories:
            place = w['token_where'][:, 0] + w['table'][row]
            key = (tokens + place) @ w['key']
            keys.append(key + w['cell_key'] if self.form.is_fixed else key)
            values.append(tokens @ w['value'])
        for pointer, age in pointers:
            date = np.sin(age / self.form.horizon_frames * w['tpos'][0])
            date *= not self.form.is_efficienttam
            for token in pointer.reshape(-1, MEMORY_CHANNELS):
                keys.append(((token + date) @ w['key'])[None])
                values.append((token @ w['value'])[None])
        key, value = np.concatenate(keys), np.concatenate(values)
        state = self.features(image)[0] + w['where'].reshape(CHANNELS, TOKENS).T
        for _ in range(2):
            state = state + _softmax(0.1 * state @ state.T) @ state
            state = state + _softmax(state @ w['query'] @ key.T) @ value
        return np.asarray(state)


def _patches(pixels: Array, size: int) -> Array:
    """Cut [H, W, 3] into rows of [size, size] patches, channels first."""
    side = len(pixels) // size
    blocks = pixels.reshape(side, size, side, size, 3).transpose(0, 2, 4, 1, 3)
    return np.asarray(blocks.reshape(side * side, -1))


def _softmax(scores: Array) -> Array:
    powers = np.exp(scores - scores.max(axis=1, keepdims=True))
    return np.asarray(powers / powers.sum(axis=1, keepdims=True))
