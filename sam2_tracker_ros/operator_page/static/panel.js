// SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
// SPDX-License-Identifier: Apache-2.0

// State, figures, events and messages in words.

const KEPT_EVENTS = 50;
const TOAST_LIFE_MS = 7000;
const KEPT_TOASTS = 3;
// Stamps before 2001 are a simulator's, and no time of day.
const FIRST_DATE_S = 1e9;
const UNKNOWN = '–';

const element = (id) => document.getElementById(id);

/** Show the state in big letters and its color. */
export function showState(state, name, detail) {
  document.body.dataset.state = state;
  document.title = `${name} · Tracker`;
  setText('state-name', name);
  setText('state-detail', detail);
}

/** Show a text across the picture; nothing when it is empty. */
export function showNotice(text) {
  const notice = element('notice');
  notice.hidden = !text;
  setText('notice', text);
}

/** Show confidence, delays and rates; none of them when there is no header. */
export function showFigures(header, shownHz) {
  const target = header?.target ?? null;
  const isSeen = target !== null && target.state !== 'IDLE' && target.confidence !== null;
  const percent = isSeen ? Math.round(100 * target.confidence) : 0;
  setText('confidence', isSeen ? `${percent} %` : UNKNOWN);
  const bar = element('confidence-bar');
  bar.setAttribute('aria-valuenow', percent);
  bar.firstElementChild.style.width = `${percent}%`;
  const delayS = target?.latency_s ?? -1;
  // With a bag or a simulator the stamps may have nothing to do with the time now.
  const isPlausible = delayS >= 0 && delayS < 100;
  setText('delay', isPlausible ? `${Math.round(1e3 * (delayS + (header.link_s ?? 0)))} ms` : UNKNOWN);
  setText('rate', header ? `${Math.round(header.rate_hz)} /s` : UNKNOWN);
  setText('shown', header ? `${Math.round(shownHz)} /s` : UNKNOWN);
  const gimbal = header?.gimbal;
  setText('gimbal', gimbal ? gimbal.mode.toLowerCase() : UNKNOWN);
  element('gimbal').title = gimbal ? gimbal.detail : 'no gimbal follower';
}

/** Empty the log. */
export function clearEvents() {
  element('events').replaceChildren();
}

/** Add an event on top. */
export function showEvent(event) {
  const item = document.createElement('li');
  item.dataset.type = event.type;
  const type = event.type.replaceAll('_', ' ');
  const parts = [
    ['time', timeOf(event.time_s)],
    ['strong', type],
    ['span', event.target],
    ['span', event.reason === type.toLowerCase() ? '' : event.reason],
    ['span', event.gap_s ? `after ${event.gap_s.toFixed(1)} s` : ''],
    ['small', event.detail],
  ];
  for (const [tag, text] of parts) {
    if (!text) continue;
    const part = document.createElement(tag);
    part.textContent = text;
    item.append(part, ' ');
  }
  const list = element('events');
  list.prepend(item);
  while (list.childElementCount > KEPT_EVENTS) list.lastElementChild.remove();
}

/** Say something for a few seconds. */
export function toast(text, kind = 'problem') {
  const note = document.createElement('p');
  note.dataset.kind = kind;
  note.textContent = text;
  const toasts = element('toasts');
  toasts.append(note);
  while (toasts.childElementCount > KEPT_TOASTS) toasts.firstElementChild.remove();
  setTimeout(() => note.remove(), kind === 'problem' ? TOAST_LIFE_MS : TOAST_LIFE_MS / 3);
}

function timeOf(seconds) {
  if (seconds < FIRST_DATE_S) return `${seconds.toFixed(1)} s`;
  return new Date(1e3 * seconds).toLocaleTimeString([], { hour12: false });
}

/** Change a text only when it is another one, so that screen readers stay quiet. */
function setText(id, text) {
  const found = element(id);
  if (found.textContent !== text) found.textContent = text;
}
