# SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
# SPDX-License-Identifier: Apache-2.0

"""Prompts on their way from the callbacks to the frame that answers them."""

from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field, replace
import threading

from sam2_tracker_ros.core.tracker import Tracker
from sam2_tracker_ros.core.types import (
    Event,
    EventType,
    Prompt,
    PromptAction,
    PromptAnswer,
    StepResult,
)
from sam2_tracker_ros.errors import PromptError

_RELEASES = (PromptAction.REMOVE, PromptAction.CLEAR)


@dataclass(frozen=True)
class Request:
    """
    A prompt and the promise of its answer.

    :param note: what the answer has to say besides.
    """

    prompt: Prompt
    note: str = ''
    answer: 'Future[PromptAnswer]' = field(default_factory=Future)


class PromptQueue:
    """
    Prompts in order of arrival; `put` may be called by any thread, the rest by the worker.

    :param report: publishes events that do not come from a frame.
    :param now_ns: the node's clock.
    """

    def __init__(
        self, report: Callable[[Sequence[Event]], None], now_ns: Callable[[], int]
    ) -> None:
        self._report = report
        self._now_ns = now_ns
        self._lock = threading.Lock()
        self._arrived: deque[Request] = deque()
        self._why_closed = ''
        self._waiting: list[Request] = []

    def put(self, prompt: Prompt) -> 'Future[PromptAnswer]':
        """Take a prompt in, and promise an answer."""
        request = Request(prompt)
        with self._lock:
            why_closed = self._why_closed
            if not why_closed:
                self._arrived.append(request)
        if why_closed:
            self.refuse([request], why_closed)
        return request.answer

    def sort(self, tracker: Tracker, why_no_image: str, cancel: Callable[[Prompt], bool]) -> None:
        """
        Release what needs no image, refuse what would wait in vain, let the rest wait.

        :param why_no_image: empty while images come.
        :param cancel: releases a target that is about to start; returns whether there was one.
        """
        while self._arrived:
            request = self._arrived.popleft()
            if request.prompt.action in _RELEASES and not self._waiting:
                self._release(request, tracker, cancel(request.prompt))
            else:
                self._waiting.append(request)
        if why_no_image:
            self.refuse(self._waiting, why_no_image)
            self._waiting = []

    def take(self) -> list[Request]:
        """Return the prompts for the frame in hand."""
        requests, self._waiting = self._waiting, []
        return requests

    def wait(self, request: Request) -> None:
        """Let a prompt that was taken wait for the next frame."""
        self._waiting.append(request)

    def give_up(self, target_id: str, why: str) -> None:
        """Refuse what waits for a target."""
        given_up = [each for each in self._waiting if each.prompt.target_id == target_id]
        self._waiting = [each for each in self._waiting if each.prompt.target_id != target_id]
        self.refuse(given_up, why)

    def refuse(self, requests: Iterable[Request], why: str) -> None:
        """Answer those without an answer that nothing was done, with an event that says why."""
        for request in requests:
            if request.answer.done():
                continue
            target_id = request.prompt.target_id
            self._report([rejection(why, self._now_ns(), target_id)])
            request.answer.set_result(PromptAnswer(False, why, target_id))

    def close(self, why: str) -> None:
        """Refuse everything that is still here, and everything that comes."""
        with self._lock:
            self._why_closed = why
        self.refuse([*self._waiting, *self._arrived], why)
        self._waiting = []
        self._arrived.clear()

    def _release(self, request: Request, tracker: Tracker, is_cancelled: bool) -> None:
        target_id = request.prompt.target_id
        events: tuple[Event, ...]
        try:
            if request.prompt.action is PromptAction.CLEAR:
                events = tracker.release_all()
            elif is_cancelled and target_id not in tracker.target_ids:
                events = ()
            else:
                events = (tracker.release(target_id),)
        except PromptError as error:
            self.refuse([request], str(error))
            return
        now_ns = self._now_ns()
        self._report([replace(event, stamp_ns=now_ns) for event in events])
        names = ', '.join(event.target_id for event in events)
        nothing = 'what was about to start' if is_cancelled else 'nothing to release'
        answer = PromptAnswer(True, f'released: {names or nothing}', target_id)
        if request.prompt.action is PromptAction.REMOVE and events:
            (event,) = events
            answer = replace(answer, target_id=event.target_id, epoch=event.epoch)
        request.answer.set_result(answer)


def rejection(why: str, stamp_ns: int, target_id: str = '') -> Event:
    """Return the event that tells of a prompt that was not accepted."""
    return Event(EventType.PROMPT_REJECTED, stamp_ns, target_id, detail=why)


def with_notes(result: StepResult, requests: Sequence[Request]) -> StepResult:
    """Return the result with the notes of its prompts in their answers and ACQUIRED events."""
    notes = [request.note for request in requests]
    if not any(notes):
        return result
    answers = tuple(
        replace(answer, message=f'{answer.message}; {note}') if note else answer
        for answer, note in zip(result.answers, notes, strict=True)
    )
    details = {answer.epoch: note for answer, note in zip(answers, notes, strict=True) if note}
    events = tuple(
        replace(event, detail=details[event.epoch])
        if event.type is EventType.ACQUIRED and event.epoch in details
        else event
        for event in result.events
    )
    return replace(result, answers=answers, events=events)
