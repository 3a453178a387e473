# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The node `tracker`: camera images and prompts in, targets out."""

from collections.abc import Callable
from functools import partial
import time
import traceback
from typing import Any, TypeAlias

from diagnostic_msgs.msg import DiagnosticArray
from geometry_msgs.msg import QuaternionStamped
from rclpy.lifecycle import LifecycleNode, LifecycleState, TransitionCallbackReturn
from sensor_msgs.msg import CameraInfo, CompressedImage, Image

from sam2_tracker_ros.core.bearing import CameraCalibration
from sam2_tracker_ros.core.config import Config, ModelConfig
from sam2_tracker_ros.core.model import AnyModel
from sam2_tracker_ros.core.types import Event, EventType, Prompt
from sam2_tracker_ros.errors import PromptError, Sam2TrackerError
from sam2_tracker_ros.inference import load_model
from sam2_tracker_ros.messages import (
    frame_from_serialized_compressed_image,
    frame_from_serialized_image,
)
from sam2_tracker_ros.messages.calibration import NewestCalibration
from sam2_tracker_ros.ros import qos, transitions
from sam2_tracker_ros.ros.accounts import Accounts
from sam2_tracker_ros.ros.camera_attitude import CameraAttitude
from sam2_tracker_ros.ros.diagnostics import Health, diagnostic_array
from sam2_tracker_ros.ros.intake import Intake
from sam2_tracker_ros.ros.message_classes import installed_message_classes
from sam2_tracker_ros.ros.parameters import Settings
from sam2_tracker_ros.ros.periodic import Periodic
from sam2_tracker_ros.ros.process_memory import give_back_freed_memory, keep_freed_memory
from sam2_tracker_ros.ros.prompt_inputs import Answer, PromptInputs
from sam2_tracker_ros.ros.prompt_queue import rejection
from sam2_tracker_ros.ros.publishers import Publishers
from sam2_tracker_ros.ros.tracker_process import run_tracker_process
from sam2_tracker_ros.ros.worker import Worker

# The second argument is told in a few words what takes long.
ModelLoader: TypeAlias = Callable[[ModelConfig, Callable[[str], None]], AnyModel]

# Of what a process may take to end, the part that a frame in work gets.
_CLOSE_TIMEOUT_S = 0.5


class TrackerNode(LifecycleNode):
    """
    Configure loads the model, activate subscribes; the tracker runs in a Worker.

    :param model_loader: makes the model that the parameters name.
    :param on_hopeless: is called when no model can serve any more; the process is to end.
    :param node_arguments: of rclpy's Node, such as namespace and parameter_overrides.
    :raises ConfigError: a parameter from a file or the command line is out of its range.
    """

    def __init__(
        self,
        model_loader: ModelLoader = load_model,
        on_hopeless: Callable[[], None] = lambda: None,
        **node_arguments: Any,
    ) -> None:
        super().__init__('tracker', **node_arguments)
        transitions.refuse_out_of_order(self)
        self._model_loader = model_loader
        self._on_hopeless = on_hopeless
        self._is_closed = False
        self._model: AnyModel | None = None
        self._config = Config()
        self._worker: Worker | None = None
        # Of the newest target, over all activations: no two targets of this node share one.
        self._epoch = 0
        self._calibration = NewestCalibration(self._now_ns)
        self._attitude = CameraAttitude()
        self._problem = ''
        self._progress = ''
        self._accounts = Accounts()
        self._intake: Intake | None = None
        self._watchdog: Periodic | None = None
        self._settings = Settings(self, self._on_settings)
        self._output = Publishers(self, installed_message_classes(), self._believed_calibration)
        self._prompt_inputs = PromptInputs(self, self._ask, self._reject)
        self._diagnostics = self.create_publisher(DiagnosticArray, '/diagnostics', qos.DIAGNOSTICS)
        # They go on while a transition keeps the executor to load the model.
        self._diagnosis = self._new_diagnosis()

    @property
    def is_active(self) -> bool:
        """Whether it tracks."""
        return self._worker is not None

    def start(self) -> None:
        """Configure and activate, if the parameter `autostart` says so."""
        if not self.get_parameter('autostart').value:
            return
        if transitions.succeeds(self.trigger_configure):
            transitions.succeeds(self.trigger_activate)

    def close(self) -> None:
        """End every thread and free the model, in every state and for good; entities stay."""
        self._is_closed = True
        self._diagnosis.stop()
        self._end_worker(_CLOSE_TIMEOUT_S)
        self._prompt_inputs.close()
        self._free_model()

    def on_configure(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Load the model, which runs once."""
        if not self._load() or self._is_closed:
            return TransitionCallbackReturn.FAILURE
        self._diagnosis.stop()
        self._diagnosis = self._new_diagnosis()
        return super().on_configure(state)

    def on_activate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Start to track and subscribe."""
        # A model that did not answer when the node was deactivated was left behind.
        if self._is_closed or (self._model is None and not self._load()):
            return TransitionCallbackReturn.FAILURE
        assert self._model is not None
        node_config = self._config.node
        is_raw = node_config.image_transport == 'raw'
        self._calibration = NewestCalibration(self._now_ns)
        self._attitude = CameraAttitude()
        self._accounts = Accounts()
        self._worker = Worker(
            self._model,
            self._epoch,
            self._config,
            self._output,
            self._accounts,
            decode=(
                frame_from_serialized_image if is_raw else frame_from_serialized_compressed_image
            ),
            view_of=lambda frame: self._attitude.view(frame, self._believed_calibration()),
            now_ns=self._now_ns,
            log_error=self._log_error,
            reload_model=self._loaded,
            give_up=self._give_up,
        )
        self._worker.reconfigure(self._config)  # a parameter may have been set meanwhile
        self._intake = self._new_intake(self._worker, is_raw=is_raw)
        self._watchdog = Periodic(
            'tracker_watchdog',
            1.0 / node_config.watchdog_rate_hz,
            self._worker.watch,
            self._log_error,
        )
        return super().on_activate(state)

    def on_deactivate(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Unsubscribe and release every target; the model stays loaded."""
        self._stop_tracking()
        return super().on_deactivate(state)

    def on_cleanup(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free the model; every parameter may change again."""
        self._free_model()
        return super().on_cleanup(state)

    def on_shutdown(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything, from whatever state."""
        self._stop_tracking()
        self._free_model()
        return super().on_shutdown(state)

    def on_error(self, state: LifecycleState) -> TransitionCallbackReturn:
        """Free everything, so that the node can be configured again."""
        self._stop_tracking()
        self._free_model()
        return super().on_error(state)

    def _load(self) -> bool:
        """Load the model that the parameters name; return whether that went well."""
        # From here on, so that a change while the model is loaded is refused or taken over.
        self._settings.is_running = True
        try:
            self._config = self._settings.config()
            self._model, detail = self._loaded()
        except Exception as error:  # rclpy would swallow it; the operator must see why
            self._settings.is_running = False
            self._problem = str(error)
            self.get_logger().error(f'cannot load the model: {error}')
            if not isinstance(error, Sam2TrackerError):
                self.get_logger().error(traceback.format_exc())
            return False
        self._problem = ''
        self._output.publish_events([Event(EventType.MODEL_READY, self._now_ns(), detail=detail)])
        return True

    def _loaded(self) -> tuple[AnyModel, str]:
        """Return a model, and what to tell of it."""
        started_s = time.perf_counter()
        try:
            model = self._model_loader(self._config.model, self._on_progress)
        finally:
            self._progress = ''
        spec = model.spec
        duration_s = time.perf_counter() - started_s
        detail = (
            f'{spec.name} ({spec.precision}) runs on {", ".join(spec.providers)}, '
            f'loaded in {duration_s:.1f} s'
        )
        self.get_logger().info(detail)
        return model, detail

    def _give_up(self, why: str) -> None:
        self._problem = why
        self.get_logger().fatal(f'{why}; the process has to be started again')
        self._on_hopeless()

    def _new_intake(self, worker: Worker, *, is_raw: bool) -> Intake:
        intake = Intake(self, self._log_intake_error)
        topic = self.resolve_topic_name('image')
        # Before the image, so that what came with it is known when it is prepared.
        intake.subscribe(
            CameraInfo,
            'camera_info',
            qos.CAMERA_INFO_INPUT,
            lambda arrival: self._calibration.put(arrival.message),
        )
        intake.subscribe(
            QuaternionStamped,
            'gimbal/attitude',
            qos.ATTITUDE_INPUT,
            lambda arrival: self._attitude.put(arrival.message),
        )
        intake.subscribe(
            Image if is_raw else CompressedImage,
            topic if is_raw else f'{topic}/compressed',
            qos.IMAGE_INPUT,
            worker.put_image,
            raw=True,
        )
        intake.start()
        return intake

    def _stop_tracking(self) -> None:
        intake, self._intake = self._intake, None
        if intake is not None:
            intake.destroy()
        self._end_worker(self._config.node.inference_timeout_s)
        give_back_freed_memory()

    def _end_worker(self, timeout_s: float) -> None:
        intake = self._intake
        if intake is not None:
            intake.stop()
        worker, self._worker = self._worker, None
        if worker is not None:
            self._model, self._epoch = worker.stop(timeout_s)
            self._accounts = Accounts()
        watchdog, self._watchdog = self._watchdog, None
        if watchdog is not None:
            watchdog.stop()

    def _free_model(self) -> None:
        self._model = None
        give_back_freed_memory()
        self._settings.is_running = False

    def _now_ns(self) -> int:
        return self.get_clock().now().nanoseconds

    def _log_error(self, text: str) -> None:
        self.get_logger().error(text)

    def _log_intake_error(self, text: str) -> None:
        self.get_logger().error(text, throttle_duration_sec=1.0)

    def _ask(self, prompt: Prompt) -> Answer:
        worker = self._worker
        if worker is None:
            message = 'the node is not active; activate it and prompt again'
            raise PromptError(message)
        return worker.ask(prompt)

    def _reject(self, why: str, target_id: str) -> None:
        self._output.publish_events([rejection(why, self._now_ns(), target_id)])

    def _on_settings(self, config: Config) -> None:
        self._config = config
        worker = self._worker
        if worker is not None:
            worker.reconfigure(config)

    def _believed_calibration(self) -> CameraCalibration | None:
        return self._calibration.get(self._config.node.camera_info_timeout_s)

    def _on_progress(self, text: str) -> None:
        """Tell at once what the model's loader is at: it may keep every other thread waiting."""
        self._progress = text
        self.get_logger().info(text)
        self._publish_diagnostics()

    def _new_diagnosis(self) -> Periodic:
        period_s = self.get_parameter('diagnostics_period_s').value
        return Periodic('tracker_diagnosis', period_s, self._publish_diagnostics, self._log_error)

    def _publish_diagnostics(self) -> None:
        now = self.get_clock().now()
        accounts = self._accounts.snapshot(now.nanoseconds)
        model = self._model
        health = Health(
            is_active=self.is_active,
            model=None if model is None else model.spec,
            problem=self._problem,
            progress=self._progress,
            calibration_problem=self._calibration.problem(
                self._config.node.camera_info_timeout_s, accounts.image_size_px, accounts.boxes
            ),
        )
        self._diagnostics.publish(
            diagnostic_array(now.to_msg(), self.get_fully_qualified_name(), health, accounts)
        )


def main(model_loader: ModelLoader = load_model) -> None:
    """Run the node until SIGINT or SIGTERM, or until it cannot serve any more."""
    keep_freed_memory()
    raise SystemExit(run_tracker_process(partial(TrackerNode, model_loader)))


if __name__ == '__main__':
    main()
