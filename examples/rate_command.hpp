// SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
// SPDX-License-Identifier: Apache-2.0

#ifndef RATE_COMMAND_HPP_
#define RATE_COMMAND_HPP_

#include <algorithm>

#include "sam2_tracker_ros/msg/target.hpp"

// Turns the camera towards the target: rad/s, yaw + right, pitch + up, as MAVLink has it.
struct RateCommand
{
  double yaw = 0.0;
  double pitch = 0.0;
};

// Silence for longer counts as LOST: a tracker that died says nothing more.
constexpr double TIMEOUT_S = 0.3;

inline RateCommand rate_command(
  const sam2_tracker_ros::msg::Target & target, double gain_hz = 2.0, double limit = 1.0)
{
  if (!target.measured || !target.bearing_valid) {
    return {};  // coasting, lost or uncalibrated: an explicit zero, never the last command
  }
  // The angles are + right and + down.
  return {
    std::clamp(gain_hz * target.angle_x, -limit, limit),
    std::clamp(-gain_hz * target.angle_y, -limit, limit)};
}

#endif  // RATE_COMMAND_HPP_
