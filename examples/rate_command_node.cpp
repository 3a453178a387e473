// SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Prints a rate command for every Target. In a package of your own, CMake needs
// find_package(rclcpp), find_package(sam2_tracker_ros) and
// target_link_libraries(rate_command_node rclcpp::rclcpp ${sam2_tracker_ros_TARGETS}).

#include <chrono>
#include <cstdio>
#include <memory>

#include "rate_command.hpp"
#include "rclcpp/rclcpp.hpp"

int main(int argc, char ** argv)
{
  rclcpp::init(argc, argv);
  auto node = std::make_shared<rclcpp::Node>("rate_command");
  const auto send = [](const RateCommand & command) {
      std::printf("yaw %+.6f pitch %+.6f\n", command.yaw, command.pitch);
    };
  const auto silence = node->create_wall_timer(
    std::chrono::duration<double>(TIMEOUT_S), [&send] {send({});});
  const auto subscription = node->create_subscription<sam2_tracker_ros::msg::Target>(
    "tracker/target", rclcpp::QoS(10),
    [&](const sam2_tracker_ros::msg::Target & target) {
      silence->reset();
      send(rate_command(target));
    });
  rclcpp::spin(node);
  rclcpp::shutdown();
  return 0;
}
