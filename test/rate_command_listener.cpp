// SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Prints the rate command of the example for every Target of topic argv[1] in domain argv[2]:
// examples/rate_command_node.cpp on the middleware's C interface, for machines without rclcpp.

#include <cstdio>
#include <cstdlib>

#include "../examples/rate_command.hpp"
#include "rcutils/strdup.h"
#include "rmw/error_handling.h"
#include "rmw/rmw.h"
#include "rosidl_typesupport_cpp/message_type_support.hpp"

using sam2_tracker_ros::msg::Target;

static void check(bool is_good, const char * what)
{
  if (!is_good) {
    std::fprintf(stderr, "%s: %s\n", what, rmw_get_error_string().str);
    std::exit(1);
  }
}

static void send(const RateCommand & command, const char * why)
{
  std::printf("yaw %+.9f pitch %+.9f %s\n", command.yaw, command.pitch, why);
  std::fflush(stdout);
}

int main(int, char ** argv)
{
  const rcutils_allocator_t allocator = rcutils_get_default_allocator();
  rmw_init_options_t options = rmw_get_zero_initialized_init_options();
  check(rmw_init_options_init(&options, allocator) == RMW_RET_OK, "options");
  options.domain_id = std::strtoul(argv[2], nullptr, 10);
  options.enclave = rcutils_strdup("/", allocator);
  options.discovery_options.automatic_discovery_range = RMW_AUTOMATIC_DISCOVERY_RANGE_LOCALHOST;
  rmw_context_t context = rmw_get_zero_initialized_context();
  check(rmw_init(&options, &context) == RMW_RET_OK, "context");
  const rmw_node_t * const node = rmw_create_node(&context, "rate_command", "/");
  check(node != nullptr, "node");
  const rmw_subscription_options_t subscribing = rmw_get_default_subscription_options();
  const rmw_subscription_t * const subscription = rmw_create_subscription(
    node, rosidl_typesupport_cpp::get_message_type_support_handle<Target>(), argv[1],
    &rmw_qos_profile_default, &subscribing);
  check(subscription != nullptr, "subscription");
  rmw_wait_set_t * const wait_set = rmw_create_wait_set(&context, 1);
  check(wait_set != nullptr, "wait set");

  const rmw_time_t timeout = rmw_time_from_nsec(static_cast<int64_t>(TIMEOUT_S * 1e9));
  Target target;
  for (;; ) {
    void * waited_for[] = {subscription->data};
    rmw_subscriptions_t subscriptions = {1, waited_for};
    const rmw_ret_t result = rmw_wait(
      &subscriptions, nullptr, nullptr, nullptr, nullptr, wait_set, &timeout);
    if (result == RMW_RET_TIMEOUT) {
      send({}, "silence");
      continue;
    }
    bool is_taken = false;
    check(rmw_take(subscription, &target, &is_taken, nullptr) == RMW_RET_OK, "take");
    if (is_taken) {
      send(rate_command(target), target.target_id.c_str());
    }
  }
}
