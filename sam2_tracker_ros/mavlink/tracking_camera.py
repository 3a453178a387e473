# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""A camera component on a MAVLink network that follows what a ground station points at."""

from collections.abc import Callable
from dataclasses import dataclass, field, replace
import math
import time
from typing import Any

from pymavlink.dialects.v20 import common

from sam2_tracker_ros.mavlink import camera_messages
from sam2_tracker_ros.mavlink.commands import (
    CAMERA_ID_PARAMETER,
    BadParameterError,
    Command,
    command_of,
    is_for_camera,
    selection_of,
)
from sam2_tracker_ros.mavlink.jobs import Job, Jobs
from sam2_tracker_ros.mavlink.signing import Signing
from sam2_tracker_ros.mavlink.telemetry import Telemetry
from sam2_tracker_ros.mavlink.tracker import Answer, Outcome, Tracker
from sam2_tracker_ros.mavlink.tracking_status import TrackingMode
from sam2_tracker_ros.mavlink.wire import Wire, WireAccounts

_PROGRESS_S = 1.0
_PROGRESS_UNKNOWN = 255
# No operator is faster; what is beyond is dropped.
_MAX_COMMANDS_PER_S = 50
# MESSAGE_INTERVAL has 16 bits for them.
_MAX_MESSAGE_ID = 2**16
_INTERVAL = common.MAVLINK_MSG_ID_MESSAGE_INTERVAL
# Commands from before REQUEST_MESSAGE, which ground stations still try in turns with it.
_OLD_REQUESTS = {
    common.MAV_CMD_REQUEST_CAMERA_INFORMATION: common.MAVLINK_MSG_ID_CAMERA_INFORMATION,
    common.MAV_CMD_REQUEST_CAMERA_SETTINGS: common.MAVLINK_MSG_ID_CAMERA_SETTINGS,
    common.MAV_CMD_REQUEST_VIDEO_STREAM_INFORMATION: (
        common.MAVLINK_MSG_ID_VIDEO_STREAM_INFORMATION
    ),
}
_RESULTS = {
    Outcome.ACCEPTED: common.MAV_RESULT_ACCEPTED,
    Outcome.REFUSED: common.MAV_RESULT_FAILED,
    Outcome.UNAVAILABLE: common.MAV_RESULT_TEMPORARILY_REJECTED,
}


@dataclass(frozen=True)
class CameraSettings:
    """
    Who the camera is, and whom it serves.

    :param allowed_systems: whose commands are heard; empty for everybody's.
    :param video_uri: where a ground station finds the picture; empty when nobody serves it.
    :param click_radius: see `selection_of`.
    :param signing_key: of MAVLink 2; empty to sign nothing, and to believe everybody.
    """

    system_id: int = 1
    component_id: int = common.MAV_COMP_ID_CAMERA
    allowed_systems: frozenset[int] = frozenset()
    model_name: str = 'SAM 2 tracker'
    video_uri: str = ''
    click_radius: float = 0.05
    answer_timeout_s: float = 15.0
    signing_key: bytes = field(default=b'', repr=False)


@dataclass(frozen=True)
class CameraAccounts:
    """
    What happened so far.

    :param commands_refused: not accepted, for whatever reason.
    :param commands_dropped: too many at once, or from a system that is not allowed.
    """

    wire: WireAccounts
    commands_accepted: int = 0
    commands_refused: int = 0
    commands_dropped: int = 0
    last_refusal: str = ''


class TrackingCamera:
    """
    Serves MAVLink's camera protocol, as far as it is about tracking.

    :param connection: as of `link_opener`.
    :param clock: seconds that never jump.
    :raises ConnectionStringError: nothing can be opened like that.
    """

    def __init__(
        self,
        connection: str,
        tracker: Tracker,
        settings: CameraSettings = CameraSettings(),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._tracker = tracker
        self._settings = settings
        self._clock = clock
        signing = Signing(settings.signing_key) if settings.signing_key else None
        sender = (settings.system_id, settings.component_id)
        self._wire = Wire(connection, sender, clock, signing)
        self.accounts = CameraAccounts(self._wire.accounts)
        self._jobs = Jobs(settings.answer_timeout_s)
        self._telemetry = Telemetry(
            tracker,
            self._wire.send,
            clock,
            model_name=settings.model_name,
            video_uri=settings.video_uri,
        )
        self._second_s, self._commands_this_second = -math.inf, 0
        self._handlers: dict[int, Callable[[Command], None]] = {
            common.MAV_CMD_CAMERA_TRACK_POINT: self._track,
            common.MAV_CMD_CAMERA_TRACK_RECTANGLE: self._track,
            common.MAV_CMD_CAMERA_STOP_TRACKING: self._stop,
            common.MAV_CMD_REQUEST_MESSAGE: self._request_message,
            common.MAV_CMD_SET_MESSAGE_INTERVAL: self._set_interval,
            common.MAV_CMD_GET_MESSAGE_INTERVAL: self._get_interval,
            **dict.fromkeys(_OLD_REQUESTS, self._request_message),
        }

    @property
    def silence_s(self) -> float:
        """Time since somebody was heard on the link; infinite before the first packet."""
        heard_s = self._wire.accounts.heard_s
        return math.inf if heard_s is None else self._clock() - heard_s

    def turn(self, wait_s: float = 0.0) -> None:
        """
        Take what has come, and send what is due.

        :param wait_s: how long to wait for a packet at most.
        """
        for message in self._wire.receive(wait_s):
            if message.get_type() in ('COMMAND_LONG', 'COMMAND_INT'):
                self._on_command(message)
        now_s = self._clock()
        for job in self._jobs.finished(now_s):
            self._tell_verdict(job)
        for job in self._jobs.running():
            if now_s - job.told_s >= _PROGRESS_S:
                self._tell_progress(job)
        self._telemetry.send_due()

    def close(self) -> None:
        """Close the link."""
        self._wire.close()

    def _on_command(self, message: Any) -> None:
        settings = self._settings
        is_for_us = message.target_system in (0, settings.system_id)
        is_for_us &= message.target_component in (0, settings.component_id)
        command = command_of(message)
        if not is_for_us or command.sender == (settings.system_id, settings.component_id):
            return
        if not self._may_command(command.sender[0]):
            dropped = self.accounts.commands_dropped + 1
            self.accounts = replace(self.accounts, commands_dropped=dropped)
            return
        handler = self._handlers.get(command.number)
        try:
            if handler is not None and is_for_camera(command, settings.component_id):
                handler(command)
            elif command.is_broadcast:
                # It may well be for somebody else on the network.
                return
            elif handler is None:
                self._refuse(
                    command, common.MAV_RESULT_UNSUPPORTED, 'not a command of this camera'
                )
            else:
                number = CAMERA_ID_PARAMETER[command.number]
                why = f'camera {command.parameter(number):g} is not this one'
                raise BadParameterError(number, why)
        except BadParameterError as error:
            why = f'parameter {error.number}: {error}'
            self._refuse(command, common.MAV_RESULT_DENIED, why, error.number)

    def _may_command(self, system: int) -> bool:
        allowed = self._settings.allowed_systems
        if allowed and system not in allowed:
            return False
        now_s = self._clock()
        if now_s - self._second_s >= 1.0:
            self._second_s, self._commands_this_second = now_s, 0
        self._commands_this_second += 1
        return self._commands_this_second <= _MAX_COMMANDS_PER_S

    def _track(self, command: Command) -> None:
        optics = self._tracker.optics()
        size_px = None if optics is None else optics.size_px
        selection = selection_of(command, size_px, self._settings.click_radius)
        is_point = command.number == common.MAV_CMD_CAMERA_TRACK_POINT
        mode = TrackingMode.POINT if is_point else TrackingMode.RECTANGLE
        self._begin(command, mode, lambda answer: self._tracker.start(selection, answer))

    def _stop(self, command: Command) -> None:
        self._begin(command, TrackingMode.NONE, self._tracker.stop)

    def _begin(self, command: Command, mode: TrackingMode, ask: Callable[[Answer], None]) -> None:
        now_s = self._clock()
        earlier = self._jobs.earlier(command, now_s, is_stop=mode is TrackingMode.NONE)
        if earlier is None:
            self._jobs.begin(command, mode, now_s, ask)
            for job in self._jobs.finished(now_s):
                self._tell_verdict(job)
            earlier = next((job for job in self._jobs.running() if job.command is command), None)
            if earlier is not None:
                self._tell_progress(earlier)
        elif earlier.verdict is not None:
            self._acknowledge(command, _RESULTS[earlier.verdict.outcome])
        elif command.is_same(earlier.command):
            self._tell_progress(earlier)
        else:
            why = 'the tracker is still busy with the command before'
            self._refuse(command, common.MAV_RESULT_TEMPORARILY_REJECTED, why)

    def _request_message(self, command: Command) -> None:
        old = _OLD_REQUESTS.get(command.number)
        wanted = _whole(command.parameter(1)) if old is None else old
        if wanted == _INTERVAL:
            self._tell_interval(command, 2)
            return
        message = self._telemetry.message(wanted)
        if message is None and command.is_broadcast:
            return
        if message is None:
            why = f'this camera has no message {wanted}'
            raise BadParameterError(1, why)
        self._accept(command)
        self._wire.send(message)

    def _set_interval(self, command: Command) -> None:
        wanted = _whole(command.parameter(1))
        stream = self._telemetry.stream(wanted)
        if stream is None:
            why = f'this camera has no message {wanted}'
            raise BadParameterError(1, why)
        interval_us = command.parameter(2)
        if not (interval_us == -1.0 or 0.0 <= interval_us < math.inf):
            message = f'interval {interval_us:g}; expected microseconds, 0 (default) or -1 (off)'
            raise BadParameterError(2, message)
        stream.ask(interval_us)
        self._accept(command)

    def _get_interval(self, command: Command) -> None:
        self._tell_interval(command, 1)

    def _tell_interval(self, command: Command, number: int) -> None:
        wanted = _whole(command.parameter(number))
        stream = self._telemetry.stream(wanted)
        # 0 is for what the camera does not have.
        interval_us = 0 if stream is None else stream.interval_us
        self._accept(command)
        self._wire.send(camera_messages.message_interval(wanted, interval_us))

    def _tell_verdict(self, job: Job) -> None:
        verdict, job.told_s = job.verdict, self._clock()
        if verdict is None:
            return
        if verdict.outcome is not Outcome.ACCEPTED:
            self._refuse(job.command, _RESULTS[verdict.outcome], verdict.reason)
            return
        self._telemetry.own_mode = job.mode
        self._accept(job.command)

    def _tell_progress(self, job: Job) -> None:
        job.told_s = self._clock()
        self._acknowledge(job.command, common.MAV_RESULT_IN_PROGRESS, progress=_PROGRESS_UNKNOWN)

    def _accept(self, command: Command) -> None:
        accepted = self.accounts.commands_accepted + 1
        self.accounts = replace(self.accounts, commands_accepted=accepted)
        self._acknowledge(command, common.MAV_RESULT_ACCEPTED)

    def _refuse(self, command: Command, result: int, why: str, parameter: int = 0) -> None:
        self.accounts = replace(
            self.accounts,
            commands_refused=self.accounts.commands_refused + 1,
            last_refusal=f'command {command.number}: {why}',
        )
        self._acknowledge(command, result, parameter=parameter)
        if command.number in CAMERA_ID_PARAMETER:
            self._telemetry.say(common.MAV_SEVERITY_WARNING, why)

    def _acknowledge(
        self, command: Command, result: int, *, progress: int = 0, parameter: int = 0
    ) -> None:
        self._wire.send(
            camera_messages.command_ack(
                command.number, command.sender, result, progress=progress, parameter=parameter
            )
        )


def _whole(value: float) -> int:
    """Return a message's id; 0, which nothing here is asked for by, for what is none."""
    return int(value) if 0.0 <= value < _MAX_MESSAGE_ID and value.is_integer() else 0
