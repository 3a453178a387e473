# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The tracker as the node sees it: never waits, and goes on with a new model when one hangs."""

from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import replace
import threading
import time
from typing import Any

from sam2_tracker_ros.core.camera_view import CameraView
from sam2_tracker_ros.core.config import Config
from sam2_tracker_ros.core.frame_history import FrameHistory
from sam2_tracker_ros.core.last_seen import LastSeen
from sam2_tracker_ros.core.model import AnyModel
from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.core.types import (
    Event,
    EventType,
    Frame,
    Prompt,
    PromptAnswer,
    StepResult,
)
from sam2_tracker_ros.errors import ImageError
from sam2_tracker_ros.ros.accounts import Accounts
from sam2_tracker_ros.ros.complaints import Complaints
from sam2_tracker_ros.ros.desk import Desk, PreparedImage
from sam2_tracker_ros.ros.input_watch import InputWatch
from sam2_tracker_ros.ros.intake import Arrival
from sam2_tracker_ros.ros.latest_frame import LatestFrame
from sam2_tracker_ros.ros.outbox import Outbox, Output
from sam2_tracker_ros.ros.prompt_queue import PromptQueue
from sam2_tracker_ros.ros.tracking_loop import TrackingLoop

MEBIBYTE = 2**20
STOPPED = 'the node was deactivated before a frame answered; activate it and prompt again'
# A model that is loaded anew so often in so many seconds is not to be saved.
_MAX_RESTARTS = 3
_RESTARTS_WITHIN_S = 60.0
# Loading again takes what was built before from the cache.
_LOADING_TIMEOUT_S = 60.0

# Returns a model and what to tell of it, or raises.
ModelSource = Callable[[], tuple[AnyModel, str]]


class Worker:
    """
    Runs the tracker in a thread of its own; the public methods return at once, except `stop`.

    Images are prepared, JPEG decoded, by the thread that brings them, while the tracker is at the
    image before; what has to be published does not keep it from the next. A model that does not
    answer is left behind with its thread, and its targets start again with a new one.

    :param epoch: the highest one before.
    :param decode: turns an image message into a frame, or raises ImageError.
    :param view_of: tells how the camera looked when it took a frame, if that is known.
    :param now_ns: the node's clock.
    :param log_error: is told what went wrong.
    :param reload_model: loads the model anew; called in another thread.
    :param give_up: is told why no model can serve any more.
    """

    def __init__(
        self,
        model: AnyModel,
        epoch: int,
        config: Config,
        output: Output,
        accounts: Accounts,
        *,
        decode: Callable[[Any], Frame],
        view_of: Callable[[Frame], CameraView | None],
        now_ns: Callable[[], int],
        log_error: Callable[[str], None],
        reload_model: ModelSource,
        give_up: Callable[[str], None],
    ) -> None:
        self._config = config
        self._decode = decode
        self._view_of = view_of
        self._log_error = log_error
        self._reload_model = reload_model
        self._give_up = give_up
        self._epoch = epoch
        outbox = Outbox(output, accounts, now_ns, log_error)
        self._desk = Desk(
            images=LatestFrame(),
            prompts=PromptQueue(outbox.publish_events, now_ns),
            history=FrameHistory(
                config.node.frame_history_s, config.node.frame_history_mib * MEBIBYTE
            ),
            input=InputWatch(accounts, outbox.publish_events, now_ns),
            outbox=outbox,
            accounts=accounts,
            complaints=Complaints(outbox.publish_events, now_ns, log_error),
            now_ns=now_ns,
        )
        self._skipped = 0
        self._restarts_s: deque[float] = deque(maxlen=_MAX_RESTARTS)
        self._is_hopeless = False
        # Held while one loop takes over from another, or the last one ends.
        self._changing = threading.Lock()
        # None after the end, so that nothing keeps the model.
        self._loop: TrackingLoop | None = self._new_loop(
            lambda: (Tracker(model, config, epoch), ()), LastSeen()
        )

    def put_image(self, arrival: Arrival) -> None:
        """Prepare an image; it replaces one that still waits."""
        accounts = self._desk.accounts
        accounts.frames_received(1 + arrival.skipped, arrival.taking_s)
        self._skipped += arrival.skipped
        started_s = time.perf_counter()
        frame: Frame | ImageError
        try:
            decoded = self._decode(arrival.message)
            frame = replace(decoded, view=self._view_of(decoded))
        except ImageError as error:
            frame = error
        except Exception as error:  # a decoder that met bytes nobody has thought of
            frame = ImageError(f'the image cannot be read: {type(error).__name__}: {error}')
        accounts.converted(time.perf_counter() - started_s)
        if isinstance(frame, Frame):
            self._desk.history.append(frame)
        self._desk.images.put(PreparedImage(frame, arrival.arrived_s, self._skipped))

    def ask(self, prompt: Prompt) -> 'Future[PromptAnswer]':
        """
        Take a prompt; it is answered with the next frame, or at once where that is clear.

        One that means a frame which has passed is answered when its target has caught up.
        """
        answer = self._desk.prompts.put(prompt)
        self._desk.images.wake()
        return answer

    def reconfigure(self, config: Config) -> None:
        """Use other thresholds from the next frame on."""
        self._config = config
        loop = self._loop
        if loop is not None:
            loop.reconfigure(config)

    def watch(self) -> None:
        """Look whether images come and the model answers; to be called at the watchdog's rate."""
        if not self._changing.acquire(blocking=False):
            return
        try:
            before = self._loop
            if before is not None:
                self._loop = loop = self._watched(before)
                if loop is not before:
                    loop.reconfigure(self._config)  # it may have changed meanwhile
        finally:
            self._changing.release()

    def _watched(self, loop: TrackingLoop) -> TrackingLoop:
        """Look after a loop; return the one that goes on."""
        node, busy_s = self._config.node, loop.busy_s()
        if not self._is_hopeless:
            if busy_s > (_LOADING_TIMEOUT_S if loop.is_loading else node.inference_timeout_s):
                why = f'the model has not answered for {busy_s:.1f} s'
                loop = self._restarted(loop, why, is_hung=True)
            elif loop.failing_s() > node.inference_timeout_s:
                why = f'inference has done nothing but fail for {loop.failing_s():.1f} s'
                loop = self._restarted(loop, why, is_hung=False)
        if loop.tracker is None or loop.is_late():
            loop.tell_meanwhile()
        else:
            loop.watch()
        return loop

    def stop(self, timeout_s: float) -> tuple[AnyModel | None, int]:
        """
        Finish the frame in work, refuse prompts that still wait, release every target.

        :param timeout_s: for the frame in work; a model that takes longer is left behind.
        :return: the model that runs, None when it was left behind, and the highest epoch so far.
        """
        desk = self._desk
        desk.outbox.hurry()
        with self._changing:
            loop, self._loop = self._loop, None
        if loop is None:
            return None, self._epoch
        has_ended = loop.end(timeout_s)
        if not has_ended:
            self._log_error(f'the model has not answered within {timeout_s:g} s: left behind')
            loop.give_up(STOPPED)
        events = loop.release_all(STOPPED)
        desk.prompts.close(STOPPED)
        now_ns = desk.now_ns()
        events = tuple(replace(event, stamp_ns=now_ns) for event in events)
        desk.outbox.publish(StepResult(now_ns, '', (0, 0), events=events))
        desk.outbox.close()
        tracker = loop.tracker
        if tracker is None:
            return None, self._epoch
        return tracker.model if has_ended else None, max(self._epoch, tracker.epoch)

    def _restarted(self, loop: TrackingLoop, why: str, *, is_hung: bool) -> TrackingLoop:
        """Leave the loop behind if that may help, and return the one that goes on."""
        now_s = time.monotonic()
        has_many = len(self._restarts_s) == _MAX_RESTARTS
        if has_many and now_s - self._restarts_s[0] < _RESTARTS_WITHIN_S:
            if is_hung:
                count = f'{_MAX_RESTARTS} times in {_RESTARTS_WITHIN_S:.0f} s'
                self._fail(f'{why}, and it was loaded anew {count} already')
            return loop
        if loop.is_loading:
            self._fail(f'{why} while it was loaded anew')
            return loop
        self._restarts_s.append(now_s)
        detail = f'{why}; it is loaded anew, with the targets where they were measured last'
        self._log_error(detail)
        self._desk.accounts.frame_failed(why)
        self._desk.accounts.restarted()
        event = Event(EventType.MODEL_FAILED, self._desk.now_ns(), detail=detail)
        self._desk.outbox.publish_events([event])
        if not is_hung:
            loop.end(self._config.node.inference_timeout_s)
        last_seen, epoch = loop.give_up(f'{why}; prompt again')
        loop.tell_unknown()
        self._epoch = max(self._epoch, epoch)
        return self._new_loop(self._loaded_anew, last_seen)

    def _loaded_anew(self) -> tuple[Tracker, tuple[Event, ...]]:
        model, detail = self._reload_model()
        event = Event(EventType.MODEL_READY, self._desk.now_ns(), detail=detail)
        return Tracker(model, self._config, self._epoch), (event,)

    def _fail(self, why: str) -> None:
        self._is_hopeless = True
        self._give_up(why)

    def _new_loop(
        self, open_tracker: Callable[[], tuple[Tracker, tuple[Event, ...]]], last_seen: LastSeen
    ) -> TrackingLoop:
        loop = TrackingLoop(self._desk, self._config, open_tracker, last_seen, self._fail)
        loop.start()
        return loop
