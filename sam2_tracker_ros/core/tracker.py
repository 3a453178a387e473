# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""The main path: one frame in, the state of every target out."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial

from sam2_tracker_ros.core.camera_view import CameraView
from sam2_tracker_ros.core.config import Config
from sam2_tracker_ros.core.model import AnyModel, Sam2Model
from sam2_tracker_ros.core.observer import FrameInWork, Observer
from sam2_tracker_ros.core.prompt_answers import accepted, free_id, known_in, released
from sam2_tracker_ros.core.prompts import check_prompt
from sam2_tracker_ros.core.staged_model import in_one_call
from sam2_tracker_ros.core.track import Observation, Track, probability
from sam2_tracker_ros.core.types import (
    NANOSECONDS_PER_SECOND,
    Event,
    EventType,
    Frame,
    Prompt,
    PromptAction,
    PromptAnswer,
    Reason,
    StepResult,
)
from sam2_tracker_ros.errors import PromptError

STAMPS_WENT_BACK = 'stamps went back while the target caught up; prompt again'


@dataclass
class Draft:
    """
    One step under way: nothing of it counts until every graph has run and it is committed.

    :param tracks: targets after the step, by id.
    :param observations: what was found of the targets that existed before the step.
    :param answers: one for each prompt, in order.
    """

    frame: FrameInWork
    tracks: dict[str, Track]
    observations: dict[str, Observation] = field(default_factory=dict)
    events: list[Event] = field(default_factory=list)
    answers: tuple[PromptAnswer, ...] = ()


class Tracker:
    """
    Follows targets through frames.

    Not thread-safe: one thread calls it, but for `meanwhile` while another is at a `draft`. A step
    whose inference fails leaves every target as it was.

    :param model: runs the graphs; one that has only stages runs them one by one.
    :param config: its tracker and status groups are used.
    :param epoch: of the last target before this tracker; those of its own are higher.
    """

    def __init__(self, model: AnyModel, config: Config, epoch: int = 0) -> None:
        self._model = in_one_call(model)
        self._config = config
        self._observer = Observer(self._model, config.tracker)
        self._tracks: dict[str, Track] = {}
        self._epoch = epoch
        self._reserved: set[str] = set()
        self._last = StepResult(stamp_ns=0, frame_id='', size_px=(0, 0))
        self._view: CameraView | None = None

    @property
    def model(self) -> Sam2Model:
        """What runs the graphs."""
        return self._model

    @property
    def epoch(self) -> int:
        """The highest epoch so far."""
        return self._epoch

    @property
    def target_ids(self) -> tuple[str, ...]:
        """Targets in order of creation."""
        return tuple(self._tracks)

    def reconfigure(self, config: Config) -> None:
        """Use other thresholds from the next frame on."""
        self._config = config
        self._observer.config = config.tracker

    def step(self, frame: Frame, prompts: Sequence[Prompt] = ()) -> StepResult:
        """
        Find every target in a frame, and do what the prompts ask for in that frame.

        Targets that look at the same window of the image share one encoding of it.
        A prompt that cannot be used is answered with the reason and changes nothing. Stamps that
        go back forget motion and recent memory (TIME_JUMP); another image size releases all.

        :raises ModelError: inference failed; the targets are as they were.
        """
        return self.commit(self.draft(frame, prompts))

    def draft(self, frame: Frame, prompts: Sequence[Prompt] = ()) -> Draft:
        """
        Do of `step` what takes long; nothing counts until `commit`.

        :raises ModelError: inference failed.
        """
        work = FrameInWork(frame, self._model)
        draft = self._begin(work)
        draft.observations = self._observer.observe_all(work, draft.tracks)
        draft.answers = tuple(self._answer(prompt, draft) for prompt in prompts)
        return draft

    def commit(self, draft: Draft) -> StepResult:
        """Make a draft what counts; it is the last that was begun."""
        frame = draft.frame
        events = draft.events
        with frame.clock.stage('decide'):
            self._tracks = draft.tracks
            for target_id, observation in draft.observations.items():
                events += self._tracks[target_id].observe(
                    observation, frame.stamp_ns, frame.size_px, self._config.status
                )
            targets = tuple(
                track.result(frame.stamp_ns, frame.size_px) for track in self._tracks.values()
            )
        self._view = frame.view
        self._last = StepResult(
            stamp_ns=frame.stamp_ns,
            frame_id=frame.frame_id,
            size_px=frame.size_px,
            targets=targets,
            events=tuple(events),
            answers=draft.answers,
            timings=frame.clock.timings(),
        )
        return self._last

    def meanwhile(self, silence_s: float) -> StepResult:
        """
        Return where the targets should be while the model has not answered; changes nothing.

        :param silence_s: since the last frame was committed.
        """
        return self._later(silence_s, [track.waiting() for track in tuple(self._tracks.values())])

    def watch(self, silence_s: float) -> StepResult:
        """
        Let time pass without a frame: targets coast, then are lost.

        :param silence_s: since the last frame arrived.
        """
        now_ns = self._later_ns(silence_s)
        events: list[Event] = []
        for track in self._tracks.values():
            events += track.pass_time(now_ns, Reason.INPUT_STALLED, self._config.status)
        later = self._later(silence_s, self._tracks.values())
        return replace(later, events=tuple(events))

    def release(self, target_id: str = '') -> Event:
        """
        Forget one target; an empty id is the only one there is.

        :raises PromptError: there is no such target, or an empty id could mean several.
        """
        track = self._tracks.pop(known_in(self._tracks, target_id))
        return released(track.target_id, track.epoch, self._last.stamp_ns)

    def release_all(self) -> tuple[Event, ...]:
        """Forget every target."""
        return tuple(self.release(target_id) for target_id in self.target_ids)

    def beside(self, target_id: str) -> tuple[str, 'Tracker']:
        """
        Return the name of one more target, and an empty tracker for it with the same model.

        The name is reserved until `adopt` or `forgo`.

        :raises PromptError: there are as many targets as there may be.
        """
        target_id = self._place_for(target_id, self._tracks)
        self._reserved.add(target_id)
        self._epoch += 1
        return target_id, Tracker(self._model, self._config, self._epoch - 1)

    def adopt(self, target_id: str, other: 'Tracker') -> None:
        """
        Take over a target from a tracker that is at the same frame as this one.

        :raises PromptError: stamps went back meanwhile, and the target of that name has started
            anew with a higher epoch.
        """
        track, before = other._tracks[target_id], self._tracks.get(target_id)
        if before is not None and before.epoch > track.epoch:
            raise PromptError(STAMPS_WENT_BACK)
        self._reserved.discard(target_id)
        self._tracks[target_id] = track

    def forgo(self, target_id: str) -> None:
        """Give a reserved name back."""
        self._reserved.discard(target_id)

    def _later_ns(self, silence_s: float) -> int:
        return self._last.stamp_ns + round(silence_s * NANOSECONDS_PER_SECOND)

    def _later(self, silence_s: float, tracks: Iterable[Track]) -> StepResult:
        now_ns, size_px = self._later_ns(silence_s), self._last.size_px
        return StepResult(
            stamp_ns=now_ns,
            frame_id=self._last.frame_id,
            size_px=size_px,
            targets=tuple(track.result(now_ns, size_px) for track in tracks),
        )

    def _begin(self, frame: FrameInWork) -> Draft:
        """Start a draft; meet a camera that changed its size or a clock that went back."""
        draft = Draft(frame, dict(self._tracks))
        if self._tracks and frame.size_px != self._last.size_px:
            old, new = ('{} x {}'.format(*size) for size in (self._last.size_px, frame.size_px))
            detail = f'the image size changed from {old} to {new}; prompt again'
            draft.events += [
                released(track.target_id, track.epoch, frame.stamp_ns, detail)
                for track in draft.tracks.values()
            ]
            draft.tracks.clear()
        elif self._tracks and frame.stamp_ns < self._last.stamp_ns:
            self._epoch += 1
            for target_id, track in self._tracks.items():
                draft.tracks[target_id] = track.restarted(frame.stamp_ns, self._epoch)
            back_s = (self._last.stamp_ns - frame.stamp_ns) / NANOSECONDS_PER_SECOND
            detail = f'stamps went back by {back_s:.3f} s; motion and recent memory are forgotten'
            draft.events.append(
                Event(EventType.TIME_JUMP, frame.stamp_ns, epoch=self._epoch, detail=detail)
            )
        elif self._view is not None:
            self._turn(draft, self._view)
        return draft

    def _turn(self, draft: Draft, before: CameraView) -> None:
        """Move what is believed of the targets as the camera's turning moves the image."""
        view, size_px = draft.frame.view, draft.frame.size_px
        elapsed_s = (draft.frame.stamp_ns - self._last.stamp_ns) / NANOSECONDS_PER_SECOND
        if elapsed_s <= 0.0:
            return
        moved = None if view is None else partial(view.moved, before=before, size_px=size_px)
        for target_id, track in draft.tracks.items():
            draft.tracks[target_id] = track.turned(moved, elapsed_s)

    def _answer(self, prompt: Prompt, draft: Draft) -> PromptAnswer:
        """Do what one prompt asks for, in the draft."""
        actions = {
            PromptAction.ADD: self._add,
            PromptAction.REFINE: self._refine,
            PromptAction.REMOVE: self._remove,
            PromptAction.CLEAR: self._clear,
        }
        try:
            return actions[prompt.action](prompt, draft)
        except PromptError as error:
            why = str(error)
            draft.events.append(
                Event(
                    EventType.PROMPT_REJECTED,
                    draft.frame.stamp_ns,
                    target_id=prompt.target_id,
                    detail=why,
                )
            )
            return PromptAnswer(accepted=False, message=why, target_id=prompt.target_id)

    def _add(self, prompt: Prompt, draft: Draft) -> PromptAnswer:
        checked = check_prompt(prompt, draft.frame.size_px)
        target_id = self._place_for(prompt.target_id, draft.tracks)
        observation = self._observer.observe(draft.frame, prompt=checked)
        self._require_found(observation)
        self._epoch += 1
        spec = self._model.spec
        capacity = max(spec.memory_slots, spec.max_object_pointers) - 1
        draft.tracks[target_id] = Track(
            target_id,
            self._epoch,
            observation,
            capacity,
            draft.frame.stamp_ns,
            remembers_unmeasured=self._config.tracker.remember_unmeasured,
        )
        draft.observations.pop(target_id, None)
        draft.events.append(
            Event(EventType.ACQUIRED, draft.frame.stamp_ns, target_id, self._epoch)
        )
        return accepted('target started', draft.tracks[target_id], observation, checked)

    def _place_for(self, target_id: str, tracks: Mapping[str, Track]) -> str:
        """Return the name of a target that may be added, a free one for an empty id."""
        taken = [*tracks, *(self._reserved - tracks.keys())]
        target_id = target_id or free_id(taken)
        limit = self._config.tracker.max_targets
        if target_id not in taken and len(taken) >= limit:
            names = ', '.join(taken)
            message = f'max_targets is {limit}, and there are: {names}; remove one or raise it'
            raise PromptError(message)
        return target_id

    def _refine(self, prompt: Prompt, draft: Draft) -> PromptAnswer:
        checked = check_prompt(prompt, draft.frame.size_px)
        track = draft.tracks[known_in(draft.tracks, prompt.target_id)]
        if track.target_id not in draft.observations:
            message = f'target {track.target_id!r} starts in this frame; refine it in the next one'
            raise PromptError(message)
        observation = self._observer.observe(draft.frame, track, checked)
        self._require_found(observation)
        draft.observations[track.target_id] = observation
        return accepted('target refined', track, observation, checked)

    def _remove(self, prompt: Prompt, draft: Draft) -> PromptAnswer:
        target_id = known_in(draft.tracks, prompt.target_id)
        draft.observations.pop(target_id, None)
        track = draft.tracks.pop(target_id)
        draft.events.append(released(track.target_id, track.epoch, draft.frame.stamp_ns))
        return PromptAnswer(True, 'target removed', target_id, track.epoch)

    def _clear(self, prompt: Prompt, draft: Draft) -> PromptAnswer:
        stamp_ns = draft.frame.stamp_ns
        draft.events += [
            released(track.target_id, track.epoch, stamp_ns) for track in draft.tracks.values()
        ]
        draft.tracks.clear()
        draft.observations.clear()
        return PromptAnswer(True, 'all targets removed')

    def _require_found(self, observation: Observation) -> None:
        reason = observation.reason_against(self._config.status)
        if reason is not Reason.NONE:
            message = (
                f'no object was found at the prompt ({reason.name}: object score '
                f'{probability(observation.object_score_logit):.2f}, predicted IoU '
                f'{observation.predicted_iou:.2f}); draw a box tightly around the object'
            )
            raise PromptError(message)
