# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""What a model is made of: bundles, their records and graphs; and settings."""

from collections.abc import Iterator
from functools import cache
import hashlib
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from fuzz.contract import FindingError, edited, only, quiet_numbers
from inference.tiny_bundle import write_bundle
from inference.tiny_form import PUBLISHED
import onnx

from sam2_tracker_ros.core.config import ModelConfig
from sam2_tracker_ros.errors import ConfigError, ModelError
from sam2_tracker_ros.inference.bundle import read_bundle
from sam2_tracker_ros.inference.model_loading import load_model, load_stages
from sam2_tracker_ros.inference.precision import policy_from_file
from sam2_tracker_ros.inference.self_contained import check_graph_file
from sam2_tracker_ros.tools.model_store import read_record
from sam2_tracker_ros.tools.settings import config_of

_STAGES = tuple(
    f'{stage}.onnx'
    for stage in (
        *('pointer_tpos', 'vision_encoder', 'mask_decoder', 'memory_encoder', 'memory_attention'),
    )
)
# Enough of a graph, and of constants, for those who only look at a bundle.
_GRAPH = b'\x08\x08\x3a\x00'
_CONSTANTS = b'{"mean": [0, 0, 0], "std": [1, 1, 1], "temporal_table": [[1]]}'


def bundle_manifest(data: bytes) -> None:
    """Read a bundle with this manifest; $G and $C stand for the digests of its files."""
    for name, content in ((b'$G', _GRAPH), (b'$C', _CONSTANTS)):
        data = data.replace(name, hashlib.sha256(content).hexdigest().encode())
    with TemporaryDirectory() as folder:
        bundle = Path(folder, 'bundle')
        bundle.mkdir()
        (bundle / 'manifest.json').write_bytes(data)
        (bundle / 'g.onnx').write_bytes(_GRAPH)
        (bundle / 'constants.json').write_bytes(_CONSTANTS)
        with only(ModelError):
            for graph in read_bundle(bundle).graphs.values():
                if not graph.path.resolve().is_relative_to(bundle.resolve()):
                    message = f'{graph.path} is not inside of the bundle'
                    raise FindingError(message)


def bundle_constants(data: bytes) -> None:
    """Load a model with these constants."""
    with TemporaryDirectory() as folder:
        bundle = _tiny_bundle(Path(folder))
        (bundle / 'constants.json').write_bytes(data)
        _load(bundle)


def fetched_record(data: bytes) -> None:
    """Read a bundle with this record of what was fetched; $FILE stands for the file's digest."""
    with TemporaryDirectory() as folder:
        bundle = _tiny_bundle(Path(folder))
        for name, content in _tiny_files().items():
            digest = hashlib.sha256(content).hexdigest()
            data = data.replace(f'${name}"'.encode(), f'{digest}"'.encode())
        (bundle / 'fetched.json').write_bytes(data)
        with only(ModelError):
            read_bundle(bundle)
        with only(ModelError):
            read_record(bundle)


def onnx_graph(data: bytes) -> None:
    """
    Load a model with one graph changed.

    The first byte names the graph: the rest is the whole of the smallest, or edits of another.
    From 128 on the graphs that run are made of it, too, which takes ten times as long.
    """
    if not data:
        return
    name = _STAGES[data[0] % len(_STAGES)]
    with TemporaryDirectory() as folder:
        bundle = _tiny_bundle(Path(folder))
        path = bundle / 'onnx' / name
        path.write_bytes(data[1:] if name == _STAGES[0] else edited(path.read_bytes(), data[1:]))
        if data[0] < 128:
            with only(ModelError), quiet_numbers():
                load_stages(ModelConfig(str(bundle), inference_threads=1))
        else:
            _load(bundle)
        left = {file.name for file in Path(folder).iterdir()} - {'tiny', 'cache'}
        if left:
            message = f'loading a model wrote {sorted(left)}'
            raise FindingError(message)


def graph_outline(data: bytes) -> None:
    """Look for other files in an ONNX file, and compare with what the package onnx finds."""
    with TemporaryDirectory() as folder:
        path = Path(folder, 'g.onnx')
        path.write_bytes(data)
        with only(ModelError):
            check_graph_file(path)
            try:
                model = onnx.load(path, load_external_data=False)
            except Exception:  # protobuf's own error: it is no graph after all
                return
            for part in _parts(model):
                if isinstance(part, onnx.NodeProto):
                    is_outside = part.op_type == 'EPContext'
                else:
                    is_outside = part.data_location == 1 or len(part.external_data) > 0
                if is_outside:
                    message = f'{part.name!r} is in another file'
                    raise FindingError(message)


def precision_yaml(data: bytes) -> None:
    """Read a file of config/precision/."""
    with TemporaryDirectory() as folder:
        path = Path(folder, 'fp32.yaml')
        path.write_bytes(data)
        with only(ModelError):
            policy = policy_from_file(path)
            for provider in policy.providers:
                policy.options(provider, 'track_step')
                policy.numbers(provider, 'encoder')


def settings(data: bytes) -> None:
    """Read settings NAME=VALUE, one a line."""
    with only(ConfigError):
        config_of('nano', data.decode('utf-8', 'replace').splitlines())


def _parts(message: Any) -> Iterator[onnx.NodeProto | onnx.TensorProto]:
    """Return every node and tensor of a graph: in subgraphs, functions, attributes, anywhere."""
    for field, value in message.ListFields():
        if field.message_type is not None:
            for item in (value,) if hasattr(value, 'ListFields') else value:
                if isinstance(item, onnx.NodeProto | onnx.TensorProto):
                    yield item
                yield from _parts(item)


def _load(bundle: Path) -> None:
    """Load a model as the node does, without what it built before."""
    cache_folder = bundle.parent / 'cache'
    config = ModelConfig(str(bundle), cache_folder=str(cache_folder), inference_threads=1)
    with only(ModelError), quiet_numbers():
        load_model(config)


def _tiny_bundle(folder: Path) -> Path:
    """Write the published form, which says nothing about itself; return its folder."""
    bundle = folder / 'tiny'
    for name, content in _tiny_files().items():
        path = bundle / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    return bundle


@cache
def _tiny_files() -> dict[str, bytes]:
    with TemporaryDirectory() as folder:
        bundle = write_bundle(Path(folder), PUBLISHED)
        files = (path for path in bundle.rglob('*') if path.is_file())
        return {path.relative_to(bundle).as_posix(): path.read_bytes() for path in files}
