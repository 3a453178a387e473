# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Builds packages of messages that have no wheel: mavros_msgs and px4_msgs, as far as needed."""

import os
from pathlib import Path
import subprocess
import sys

# The fields of the real messages, which are what matters on the wire.
PACKAGES = {
    'mavros_msgs': {
        'GimbalManagerSetPitchyaw': 'uint8 target_system\nuint8 target_component\nuint32 flags\n'
        'uint8 gimbal_device_id\nfloat32 pitch\nfloat32 yaw\nfloat32 pitch_rate\n'
        'float32 yaw_rate\n',
    },
    'px4_msgs': {
        'VehicleCommand': 'uint64 timestamp\nfloat32 param1\nfloat32 param2\nfloat32 param3\n'
        'float32 param4\nfloat64 param5\nfloat64 param6\nfloat32 param7\nuint32 command\n'
        'uint8 target_system\nuint8 target_component\nuint8 source_system\n'
        'uint8 source_component\nuint8 confirmation\nbool from_external\n',
    },
}
# Of rosidl's generators those that Python over Fast DDS needs; all of them take twice as long.
GENERATORS = (
    'cmake generator_type_description generator_c typesupport_c typesupport_fastrtps_c '
    'typesupport_introspection_c generator_py'
)
CMAKE_LISTS = """
cmake_minimum_required(VERSION 3.20)
project({name})
find_package(ament_cmake REQUIRED)
foreach(part {generators})
  find_package(rosidl_${{part}} REQUIRED)
endforeach()
rosidl_generate_interfaces({name} {messages})
ament_package()
"""
PACKAGE_XML = """
<package format="3">
  <name>{name}</name> <version>1.0.0</version> <description>For a test.</description>
  <maintainer email="nobody@example.com">nobody</maintainer> <license>none</license>
  <member_of_group>rosidl_interface_packages</member_of_group>
</package>
"""


def build(folder: Path) -> Path:
    """
    Build all packages at the same time, within about 15 seconds.

    :return: what they are installed in
    """
    install = folder / 'install'
    processes = []
    for name, messages in PACKAGES.items():
        (folder / name / 'msg').mkdir(parents=True)
        for message, fields in messages.items():
            (folder / name / 'msg' / f'{message}.msg').write_text(fields)
        files = ' '.join(f'msg/{message}.msg' for message in messages)
        text = CMAKE_LISTS.format(name=name, messages=files, generators=GENERATORS)
        (folder / name / 'CMakeLists.txt').write_text(text)
        (folder / name / 'package.xml').write_text(PACKAGE_XML.format(name=name))
        configure = (
            f'cmake -S {name} -B build/{name} -DCMAKE_INSTALL_PREFIX={install} '
            f'-DCMAKE_INSTALL_RPATH={install}/lib -DPython3_EXECUTABLE={sys.executable}'
        )
        command = f'{configure} && cmake --build build/{name} && cmake --install build/{name}'
        environment = {
            **os.environ,
            'AMENT_PREFIX_PATH': sys.prefix,
            'CMAKE_PREFIX_PATH': sys.prefix,
        }
        processes.append(
            subprocess.Popen(
                ['sh', '-c', command],
                cwd=folder,
                env=environment,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                text=True,
            )
        )
    for process in processes:
        output, _ = process.communicate()
        assert process.returncode == 0, output[-3000:]
    return install
