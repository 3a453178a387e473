# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0
"""What happens in a clip: who appears, who hides, what crosses."""

from dataclasses import dataclass, field, replace
import math

import numpy as np

from training.library import Library
from training.motion import Floats, Track, hide_window, leave_view, pass_through, pose
from training.sprites import Sprite
from training.textures import Image, Random, fractal_noise, surface

FULL_SIZE_PX = 192
"""Image side for which object sizes are chosen; smaller training images are crops of it."""
SIZE_RANGES_PX = ((7, 28), (28, 64), (64, 0.75 * FULL_SIZE_PX))
SIZE_SHARES = (0.45, 0.33, 0.22)
WINDOW_SIZE_SHARES = (0.1, 0.5, 0.4)
"""As the tracker's window around a target shows them."""
MOST_CLUTTER = 9
OCCLUDER_PX = 128
OCCLUDER_PHOTOS = ('grass.png', 'brick.png')


@dataclass(frozen=True)
class ClipConfig:
    """Difficulty of the clips."""

    frames: int = 4
    size_px: int = 192
    hide_share: float = 0.4
    """Share of clips in which a target is hidden, leaves or is taken away."""
    speed: float = 1.0
    """Scale of all motion."""
    size_shares: tuple[float, ...] = SIZE_SHARES
    """How common the sizes of SIZE_RANGES_PX are."""
    clutter_share: float = 0.5
    """Share of clips whose ground is strewn with things that stand still."""


@dataclass
class Layer:
    """A sprite on its way through the clip; `target` is -1 for everything not tracked."""

    sprite: Sprite
    track: Track
    target: int = -1
    shadow_share: Floats | None = None
    """Offset of its shadow, x and y, as a share of its size."""
    wobble: Floats = field(default_factory=lambda: np.zeros(3))
    """Phase, amplitude (share of the side) and speed of a bending wave."""
    slide_px: float = 0.0
    """How far the paint slides under the outline each frame, as on a turning body."""
    fade_to: Image | None = None
    """[h, w, 3], the look it changes towards, as when light or the side in view changes."""
    fade_share: float = 0.0
    """Share of that look gained each frame."""


def cast(random: Random, library: Library, maps: Floats, config: ClipConfig) -> list[Layer]:
    """
    Choose what appears, in drawing order.

    :param random: source of randomness.
    :param library: stock of sprites.
    :param maps: [T, 2, 3] camera path.
    :param config: difficulty.
    :return: layers, the last one on top.
    """
    size_px = config.size_px
    sprite = library.sprite(random)
    length_px = _target_length_px(random, config)
    pace = 0.006 if random.random() < 0.5 else 0.02
    speed_px = config.speed * size_px * float(random.exponential(pace))
    starts = random.uniform(0.15, 0.85, (5, 2)) * size_px
    first = pose(random, maps, starts[0], length_px, max(speed_px, 0.01))
    alike = random.random() < 0.6
    if alike:
        twin = sprite.tinted(random, random.uniform(0.1, 1.0))
        twin_px = length_px * random.uniform(0.75, 1.3)
    else:
        twin, twin_px = library.sprite(random), _target_length_px(random, config)
    second = pose(random, maps, starts[1], twin_px, max(speed_px, 0.01) * random.uniform(0, 1.5))
    if alike and random.random() < 0.6:
        second.angles_rad = first.angles_rad + random.normal(0, 0.1)
    layers = [Layer(sprite, first, 0), Layer(twin, second, 1)]
    for start in starts[2 : 2 + int(random.integers(0, 3))]:
        roaming = pose(random, maps, start, _target_length_px(random, config) * 0.8, speed_px)
        layers.append(_extra(random, library, sprite, roaming))
    order = random.permutation(len(layers))
    layers = [layers[index] for index in order]
    for layer in layers:
        _enliven(random, library, layer)
    if config.frames >= 3 and random.random() < config.hide_share:
        layers += _hide(random, library, maps, layers, config)
    elif random.random() < 0.25:
        _cross(random, layers)
    return _clutter(random, library, maps, config) + layers


def _extra(random: Random, library: Library, sprite: Sprite, track: Track) -> Layer:
    """
    Add something else: a look-alike, a shard in the target's colours, or any sprite.

    :param random: source of randomness.
    :param library: stock of sprites.
    :param sprite: the first target.
    :param track: where the extra goes.
    :return: the extra.
    """
    kind = random.random()
    if kind < 0.3:
        return Layer(sprite.tinted(random, 1.0), track)
    other = library.sprite(random)
    if kind < 0.65:
        middle = sprite.alpha.shape[0] // 2
        paint = sprite.colour[middle - 8 : middle + 8, middle - 8 : middle + 8].mean((0, 1))
        plain = np.broadcast_to(paint, other.colour.shape).astype(np.uint8)
        colour = sprite.colour if sprite.painted else np.ascontiguousarray(plain)
        track.lengths_px = np.maximum(track.lengths_px * random.uniform(0.3, 1.0), 4.0)
        return Layer(replace(other, colour=colour, painted=False), track)
    return Layer(other, track)


def _enliven(random: Random, library: Library, layer: Layer) -> None:
    """
    Give a sprite a shadow, a bending wave, paint that slides or a look that changes.

    :param random: source of randomness.
    :param library: stock of sprites.
    :param layer: changed in place.
    """
    if random.random() < 0.4:
        layer.shadow_share = random.uniform(-0.12, 0.12, 2)
    if not layer.sprite.rigid:
        wave = (random.uniform(0, 6), random.uniform(0.03, 0.1), random.uniform(0, 2))
        layer.wobble = np.array(wave)
    if layer.sprite.painted and random.random() < 0.4:
        layer.slide_px = random.uniform(-8, 8)
    if layer.target >= 0 and random.random() < 0.5:
        layer.fade_to = _other_look(random, library, layer.sprite)
        layer.fade_share = random.uniform(0.03, 0.2)


def _other_look(random: Random, library: Library, sprite: Sprite) -> Image:
    """
    Choose what a sprite may come to look like.

    :param random: source of randomness.
    :param library: stock of sprites.
    :param sprite: as it looks at first.
    :return: [h, w, 3].
    """
    if sprite.painted and random.random() < 0.5:
        other = library.sprite(random)
        if other.painted:
            return other.colour
    if random.random() < 0.5:
        return np.ascontiguousarray(sprite.colour[:, ::-1])
    return sprite.tinted(random, 1.2).colour


def _target_length_px(random: Random, config: ClipConfig) -> float:
    """
    Choose a size.

    :param random: source of randomness.
    :param config: how common sizes are.
    :return: length of the sprite's square.
    """
    small, large = SIZE_RANGES_PX[int(random.choice(len(SIZE_RANGES_PX), p=config.size_shares))]
    length_px = np.exp(random.uniform(math.log(small), math.log(large)))
    return float(min(length_px, 0.8 * config.size_px))


def _clutter(random: Random, library: Library, maps: Floats, config: ClipConfig) -> list[Layer]:
    """
    Strew things over the ground, as in a street or a crowd: most of a real picture is objects.

    :param random: source of randomness.
    :param library: stock of sprites.
    :param maps: [T, 2, 3] camera path.
    :param config: difficulty.
    :return: layers that stand still, to be drawn first.
    """
    layers: list[Layer] = []
    if random.random() < config.clutter_share:
        for _ in range(int(random.integers(2, MOST_CLUTTER + 1))):
            start = random.uniform(-0.1, 1.1, 2) * config.size_px
            still = pose(random, maps, start, _target_length_px(random, config), 0.0)
            layers.append(Layer(library.sprite(random), still))
    return layers


def _hide(
    random: Random, library: Library, maps: Floats, layers: list[Layer], config: ClipConfig
) -> list[Layer]:
    """
    Send the first target behind something, out of view, or out of the scene.

    :param random: source of randomness.
    :param library: stock of sprites.
    :param maps: [T, 2, 3] camera path.
    :param layers: the cast; the target's track changes.
    :param config: difficulty.
    :return: further layers to draw on top.
    """
    layer = next(layer for layer in layers if layer.target == 0)
    track, window = layer.track, hide_window(random, config.frames)
    if random.random() < 0.4:
        _bring_newcomer(random, library, layers, window[0])
    kind = random.random()
    if kind < 0.25:
        track.shown[window[0] : window[1]] = False
        return []
    if kind < 0.5:
        leave_view(random, track, window, config.size_px)
        return []
    radius_px = pass_through(random, track, window, config.size_px)
    if radius_px > 0.42 * config.size_px:
        track.shown[window[0] : window[1]] = False
        return []
    where = track.centres_px[window[0] : window[1]].mean(0)
    sprite, length_px = _occluder(random, radius_px)
    still = pose(random, np.broadcast_to(maps[0], maps.shape), where, length_px, 0.0)
    return [Layer(sprite, still)]


def _bring_newcomer(random: Random, library: Library, layers: list[Layer], time: int) -> None:
    """
    Let a thing that no memory has seen appear while the target is away.

    :param random: source of randomness.
    :param library: stock of sprites.
    :param layers: the cast; the second target becomes the newcomer.
    :param time: frame from which it is shown.
    """
    second = next(layer for layer in layers if layer.target == 1)
    second.track.shown[:time] = False
    first = next(layer for layer in layers if layer.target == 0)
    fresh = first.sprite.tinted(random, 1.3) if random.random() < 0.4 else library.sprite(random)
    second.sprite, second.slide_px, second.fade_to = fresh, 0.0, None


def _occluder(random: Random, radius_px: float) -> tuple[Sprite, float]:
    """
    Make a tree crown, a roof or a bridge that hides a disc.

    :param random: source of randomness.
    :param radius_px: radius of the disc to hide.
    :return: the sprite and the size of its square.
    """
    colour = surface(random, OCCLUDER_PX, OCCLUDER_PHOTOS)
    alpha = np.zeros((OCCLUDER_PX, OCCLUDER_PX), np.uint8)
    kind, spare = random.random(), random.uniform(1.0, 1.4)
    if kind < 0.45:
        rows, columns = np.mgrid[:OCCLUDER_PX, :OCCLUDER_PX] - (OCCLUDER_PX - 1) / 2
        ragged = 0.36 + 0.12 * fractal_noise(random, OCCLUDER_PX, 5)
        alpha[np.hypot(rows, columns) < ragged * OCCLUDER_PX] = 255
        foliage = 0.6 + 0.4 * fractal_noise(random, OCCLUDER_PX, 9)
        colour = (colour * foliage[..., None]).astype(np.uint8)
        hidden_share = 0.35
    elif kind < 0.7:
        alpha[8:-8, 8:-8] = 255
        hidden_share = 0.42
    else:
        alpha[36:-36, :] = 255
        hidden_share = 0.21
    return Sprite(colour, alpha, rigid=True, painted=True), radius_px / hidden_share * spare


def _cross(random: Random, layers: list[Layer]) -> None:
    """
    Let the second target run across the first one's path.

    :param random: source of randomness.
    :param layers: the cast; the second target's track changes.
    """
    by_target = {layer.target: layer for layer in layers}
    first, second = by_target[0].track, by_target[1].track
    frames = len(first.centres_px)
    meeting = int(random.integers(0, frames))
    angle = random.uniform(0, 2 * math.pi)
    heading = np.array([math.cos(angle), math.sin(angle)])
    step_px = float(first.lengths_px.mean()) * random.uniform(0.3, 1.0)
    aside = random.uniform(-0.5, 0.5) * first.lengths_px.mean() * heading[::-1]
    steps = (np.arange(frames) - meeting + random.uniform(-0.5, 0.5))[:, None]
    second.centres_px = first.centres_px[meeting] + steps * step_px * heading + aside
