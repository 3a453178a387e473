# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""
NVIDIA's libraries as a machine without a GPU has them: they load, and every call fails.

They hold the functions that the providers of ONNX Runtime ask for, under the same versions, so
that the providers load and get as far as looking for a GPU: they read their options before that.
"""

from collections import defaultdict
from pathlib import Path
import re
import subprocess

NO_DEVICE = 100  # cudaErrorNoDevice and CUDA_ERROR_NO_DEVICE
PROVIDERS = ('cuda', 'tensorrt')
# Where functions without a version are.
_UNVERSIONED = {'cu': 'libcuda.so.1', 'createNv': 'libnvonnxparser.so.10', '': 'libnvinfer.so.10'}
_WITH_TEXT = ('cudaGetErrorString', 'cudaGetErrorName', 'cublasGetStatusString')
_DRIVER_ONLY = ('cuInit', 'cuDriverGetVersion', 'cuDeviceGetName', 'cuDeviceGetAttribute')
_TENSORRT_VERSION = 101401
_DRIVER = """
    #include <stdio.h>
    static int depth, retained;
    int cuInit(unsigned flags) { return flags; }
    int cuDriverGetVersion(int *version) { *version = 13010; return 0; }
    int cuDeviceGetName(char *name, int size, int gpu) {
        snprintf(name, size, "Small GPU");
        return gpu;
    }
    int cuDeviceGetAttribute(int *value, int attribute, int gpu) {
        *value = attribute == 75 ? 9 : attribute == 76 ? 1 : -1;
        return gpu;
    }
    int cuDevicePrimaryCtxRetain(void **context, int gpu) {
        *context = &retained;
        return gpu;
    }
    int cuCtxPushCurrent_v2(void *context) { depth++; return context != &retained; }
    int cuCtxPopCurrent_v2(void **context) { *context = &retained; return --depth; }
    int cuStreamCreate(void **stream, unsigned flags) {
        *stream = (void *)0x123456789a;
        return !(depth == 1 && flags == 1);
    }
"""


def write_stub_libraries(capi: Path, folder: Path) -> None:
    """
    Compile the libraries.

    :param capi: the folder of ONNX Runtime's own libraries.
    :param folder: gets them.
    """
    wanted: dict[str, set[str]] = defaultdict(set)
    for provider in PROVIDERS:
        path = capi / f'libonnxruntime_providers_{provider}.so'
        for name in re.findall(r'\[(lib(?:cu|nv)[^\]]*)\]', _output('readelf', '-d', path)):
            wanted[name].update()
        for symbol, library in _symbols(path):
            wanted[library].add(symbol)
    wanted['libcuda.so.1'].update(_DRIVER_ONLY)
    for library, symbols in wanted.items():
        _compile(folder / library, sorted(symbols))


def write_driver(folder: Path) -> None:
    """Compile a driver with one GPU, of which it can tell no more than what it is."""
    source = folder / 'driver.c'
    source.write_text(_DRIVER)
    library = 'libcuda.so.1'
    command: list[str | Path] = [
        'cc',
        '-shared',
        '-fPIC',
        f'-Wl,-soname,{library}',
        '-o',
        folder / library,
        source,
    ]
    subprocess.run(command, check=True)


def _symbols(path: Path) -> list[tuple[str, str]]:
    """Return the functions that a library takes from NVIDIA's, and from which."""
    found = []
    for symbol, _, library in re.findall(
        r' U (\w+)(@+([\w.]+))?$', _output('nm', '-D', path), re.MULTILINE
    ):
        if library.startswith(('libcu', 'libnv')):
            found.append((symbol, library))
        elif not library and re.match(r'cu[A-Z]|create\w+_INTERNAL|getInfer|getPlugin', symbol):
            prefix = next(each for each in _UNVERSIONED if symbol.startswith(each))
            found.append((symbol, _UNVERSIONED[prefix]))
    return found


def _compile(path: Path, symbols: list[str]) -> None:
    source, versions = path.with_suffix('.c'), path.with_suffix('.map')
    source.write_text('\n'.join(_function(symbol) for symbol in symbols))
    versions.write_text(f'{path.name} {{ global: *; }};')
    command: list[str | Path] = [
        'cc',
        '-w',
        '-shared',
        '-fPIC',
        f'-Wl,-soname,{path.name}',
        '-o',
        path,
        source,
    ]
    if path.name not in _UNVERSIONED.values():
        command.append(f'-Wl,--version-script={versions}')
    subprocess.run(command, check=True)


def _function(symbol: str) -> str:
    if symbol in _WITH_TEXT:
        return f'const char *{symbol}(int status) {{ return "no device"; }}'
    if symbol == 'getInferLibVersion':
        return f'int {symbol}(void) {{ return {_TENSORRT_VERSION}; }}'
    if symbol == 'getPluginRegistry':  # an object whose every method returns nothing
        return f"""
            static void *nothing(void) {{ return 0; }}
            static void *methods[64] = {{ [0 ... 63] = nothing }};
            static void *registry[1] = {{ methods }};
            void *{symbol}(void) {{ return registry; }}
        """
    if symbol.startswith(('__cudaRegisterFatBinary', 'create')):
        return f'void *{symbol}(void) {{ return 0; }}'
    return f'int {symbol}(void) {{ return {NO_DEVICE}; }}'


def _output(*command: object) -> str:
    return subprocess.run(
        [str(word) for word in command], check=True, capture_output=True, text=True
    ).stdout
