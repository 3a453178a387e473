// SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Connects picture, pointing and panel with the server.

import { Connection } from './connection.js';
import * as panel from './panel.js';
import { Picture } from './picture.js';
import { Pointing } from './pointing.js';

// Older than this, picture and state are no longer what is going on.
const STALE_S = 1.0;
const NO_CONNECTION_S = 1.5;
const LOOK_MS = 200;
const RATE_WINDOW_MS = 2000;

const canvas = document.getElementById('picture');
const picture = new Picture(canvas);
const shownTimes = []; // when pictures were drawn, for their rate
let last = null; // the newest header and when it came
const openedAt = performance.now();
let problem = '';
let requestNumber = 0;

const connection = new Connection({
  onOpen() {
    problem = '';
    panel.clearEvents(); // the server tells them again
  },
  onPacket(header, bitmap) {
    const now = performance.now();
    last = { header, at: now };
    if (bitmap) shownTimes.push(now);
    picture.show(bitmap, header.stamp, header.target);
    header.events.forEach(panel.showEvent);
    look();
  },
  onAnswer(answer) {
    picture.unmark();
    if (answer.type === 'error' || !answer.accepted) panel.toast(answer.message);
    else panel.toast(answer.target ? `${answer.target}: ${answer.message}` : answer.message, 'done');
  },
  onProblem(text) {
    problem = text.trim();
    look();
  },
});

function request(message) {
  requestNumber += 1;
  if (!connection.send({ ...message, request: requestNumber })) {
    panel.toast('Not sent: there is no connection.');
    return false;
  }
  return true;
}

const pointing = new Pointing(picture, ({ point, box, stamp, exclude }) => {
  const mode = exclude ? 'exclude' : document.querySelector('input[name=mode]:checked').value;
  const place = point ?? [(box[0] + box[2]) / 2, (box[1] + box[3]) / 2];
  let message = point ? { type: 'select', point, stamp } : { type: 'select', box, stamp };
  if (mode !== 'select') {
    message = { type: 'refine', point: place, stamp, foreground: mode === 'include' };
    document.querySelector('input[value=select]').checked = true;
  }
  if (request(message)) picture.markAt(place);
});

function stop() {
  request({ type: 'stop' });
}

document.getElementById('stop').addEventListener('click', stop);
document.addEventListener('keydown', (event) => {
  if (event.key === 'Escape' && !event.repeat && !pointing.cancel()) stop();
});

/** Say how things are now, also when nothing comes any more. */
function look() {
  const now = performance.now();
  const trouble = troubleAt(now);
  if (trouble) {
    const [name, detail] = trouble;
    panel.showState('STALE', name, detail);
    panel.showNotice(`${name}: ${detail}`);
    panel.showFigures(null, 0);
    return;
  }
  while (shownTimes.length && now - shownTimes[0] > RATE_WINDOW_MS) shownTimes.shift();
  const { target } = last.header;
  panel.showState(target.state, target.state, describe(target));
  panel.showNotice('');
  panel.showFigures(last.header, 1e3 * shownTimes.length / RATE_WINDOW_MS);
}

/** Return why what is on the screen is not what is going on, in two texts; null when it is. */
function troubleAt(now) {
  const silentS = (now - (last ? last.at : openedAt)) / 1e3;
  const isOld = (ageS) => ageS + silentS > STALE_S;
  const since = (ageS) => `for ${(ageS + silentS).toFixed(1)} s`;
  if (silentS > NO_CONNECTION_S) {
    return ['NO CONNECTION', problem || `nothing heard ${since(0)}, trying again`];
  }
  if (!last) return ['CONNECTING', 'waiting for the server'];
  const { state_age_s: stateAgeS, picture_age_s: pictureAgeS, target } = last.header;
  if (stateAgeS === null) return ['NO TRACKER', 'the tracker has not been heard'];
  if (isOld(stateAgeS)) return ['NO TRACKER', `the tracker is silent ${since(stateAgeS)}`];
  if (pictureAgeS === null) return ['NO PICTURE', 'no picture has come'];
  if (isOld(pictureAgeS)) {
    return ['NO PICTURE', `none ${since(pictureAgeS)}; the tracker says ${target.state}`];
  }
  return null;
}

function describe(target) {
  if (target.state === 'IDLE') return 'click the target, or drag a box around it';
  const words = [target.id, target.reason];
  if (!target.measured && target.unseen_s > 0) words.push(`unseen ${target.unseen_s.toFixed(1)} s`);
  return words.filter(Boolean).join(' · ');
}

// The token is in the cookie now; it need not stay in the address.
if (location.search) history.replaceState(null, '', '/');
setInterval(look, LOOK_MS);
connection.open();
