# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
Where a model comes from: a checkpoint, or seeded random weights of a named architecture.

A source is written into the manifest of what was exported from it, so that the original can be
opened again to compare with.
"""

from dataclasses import asdict, dataclass, replace
from importlib import import_module
from pathlib import Path
from typing import Any

from sam2_tracker_ros.errors import ModelError
from sam2_tracker_ros.export.seeded import randomise

SEEDED = 'seeded:'
SAM2_TINY = 'sam2.1-hiera-tiny'


@dataclass(frozen=True)
class Source:
    """
    What opens a model again.

    :param checkpoint: folder or hub id of a transformers checkpoint, or path of an EfficientTAM
        checkpoint, which ends in .pt; or `seeded:NUMBER` for random weights.
    :param architecture: of what is not a transformers checkpoint: sam2.1-hiera-tiny, or the name
        of one of EfficientTAM's configurations.
    :param image_size_px: side of the model image; None for the architecture's own.
    :param revision: commit of a hub repository.
    """

    checkpoint: str
    architecture: str = ''
    image_size_px: int | None = None
    revision: str | None = None

    @property
    def family(self) -> str:
        """One of inference.contract.FAMILIES."""
        return 'efficienttam' if self.architecture.startswith('efficienttam') else 'sam2'

    def as_json(self) -> dict[str, Any]:
        """Return what the manifest keeps."""
        return {key: value for key, value in asdict(self).items() if value is not None}


def open_source(source: Source, *, may_download: bool = True) -> Any:
    """
    Build the model in PyTorch, in evaluation mode, on the CPU.

    :param may_download: the user named the source, so that the id of a hub repository is fetched.
    :return: transformers' Sam2VideoModel, or EfficientTAM's video predictor.
    :raises ModelError: a package is missing, or the checkpoint cannot be opened.
    """
    seed = _seed(source.checkpoint)
    if source.family == 'efficienttam':
        # Its package is imported when it is asked for only: most users have no need of it.
        from sam2_tracker_ros.export.efficienttam import load_efficienttam  # noqa: PLC0415

        checkpoint = Path(source.checkpoint) if seed is None else None
        model = load_efficienttam(source.architecture, checkpoint, source.image_size_px)
    elif seed is None:
        model = _open_transformers(source, may_download=may_download)
    else:
        model = _new_transformers(source)
    if seed is not None:
        randomise(model, seed)
    return model.eval()


def pinned(source: Source, model: Any) -> Source:
    """
    Return a source that opens the same model again, from any folder and after any update.

    :param model: what it was opened as.
    """
    if source.checkpoint.startswith(SEEDED):
        return source
    path = Path(source.checkpoint)
    if path.exists():
        return replace(source, checkpoint=str(path.resolve()))
    return replace(source, revision=getattr(model.config, '_commit_hash', None))


def _seed(checkpoint: str) -> int | None:
    """
    Return the seed of random weights; None for a checkpoint.

    :raises ModelError: it is not a number.
    """
    if not checkpoint.startswith(SEEDED):
        return None
    text = checkpoint.removeprefix(SEEDED)
    if not text.isdecimal():
        message = f'{checkpoint}: {text!r} is not a seed; expected {SEEDED}0, {SEEDED}1, ...'
        raise ModelError(message)
    return int(text)


def _new_transformers(source: Source) -> Any:
    """Build the architecture without weights."""
    library = _transformers()
    if source.architecture not in ('', SAM2_TINY):
        message = (
            f'unknown architecture {source.architecture!r}; expected {SAM2_TINY} or one of '
            'EfficientTAM: efficienttam_ti, efficienttam_ti_512x512, efficienttam_ti_2'
        )
        raise ModelError(message)
    # The defaults of transformers 5 are those of sam2.1-hiera-tiny.
    config = library.Sam2VideoConfig()
    if source.image_size_px is not None:
        resize(config, source.image_size_px)
    return library.Sam2VideoModel(config)


def _open_transformers(source: Source, *, may_download: bool) -> Any:
    library = _transformers()
    if source.architecture:
        message = (
            f'{source.checkpoint} says itself what it is; the architecture '
            f'{source.architecture!r} is for EfficientTAM and {SEEDED}NUMBER: leave it out'
        )
        raise ModelError(message)
    where = {'revision': source.revision, 'local_files_only': not may_download}
    try:
        config = library.Sam2VideoConfig.from_pretrained(source.checkpoint, **where)
        if source.image_size_px is not None:
            resize(config, source.image_size_px)
        model, info = library.Sam2VideoModel.from_pretrained(
            source.checkpoint, config=config, output_loading_info=True, **where
        )
    except Exception as error:  # of the library, of the hub's client, of the reader of weights
        reason = (str(error).strip().splitlines() or [type(error).__name__])[0]
        message = (
            f'{source.checkpoint} cannot be opened as a checkpoint ({reason}); expected the '
            'folder of a transformers Sam2VideoModel, the id of one on the hub, which needs a '
            f'network, or {SEEDED}NUMBER'
        )
        raise ModelError(message) from error
    if missing := sorted(info['missing_keys']):
        message = (
            f'{source.checkpoint} lacks {len(missing)} weights of a Sam2VideoModel, such as '
            f'{missing[0]}; expected a SAM 2.1 video checkpoint: an image model has no memory'
        )
        raise ModelError(message)
    return model


def _transformers() -> Any:
    """
    Import the library; those who export EfficientTAM have no need of it.

    :raises ModelError: it is missing.
    """
    try:
        library = import_module('transformers')
    except ModuleNotFoundError as error:
        message = (
            f'the Python package {error.name} is missing, which SAM 2 checkpoints need: '
            "pip install 'sam2_tracker_ros[export]'"
        )
        raise ModelError(message) from error
    if not hasattr(library, 'Sam2VideoModel'):
        message = (
            f'transformers {library.__version__} has no Sam2VideoModel; expected 5.11 or later: '
            "pip install --upgrade 'sam2_tracker_ros[export]'"
        )
        raise ModelError(message)
    return library


def resize(config: Any, size_px: int) -> None:
    """Change a Sam2VideoConfig to another image size; no weight depends on it."""
    side = size_px // 16
    config.image_size = size_px
    config.vision_config.backbone_config.image_size = [size_px, size_px]
    config.vision_config.backbone_feature_sizes = [
        [4 * side, 4 * side],
        [2 * side, 2 * side],
        [side, side],
    ]
    config.prompt_encoder_config.image_size = size_px
    config.mask_decoder_config.image_size = size_px
    config.memory_attention_rope_feat_sizes = [side, side]
