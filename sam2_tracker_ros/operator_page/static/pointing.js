// SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
// SPDX-License-Identifier: Apache-2.0

// Fingers, mouse and arrow keys become prompts in 0..1 of the picture that was on the screen.

// Less than this is a click with an unsteady hand, not a box.
const DRAG_PX = 10;
const STEP = 0.02;
const ARROWS = {
  ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1],
};

export class Pointing {
  /**
   * @param {Picture} picture what is pointed at.
   * @param {function} onPrompt told { point or box, stamp, exclude }.
   */
  constructor(picture, onPrompt) {
    this.picture = picture;
    this.onPrompt = onPrompt;
    this.start = null;
    const canvas = picture.canvas;
    canvas.addEventListener('pointerdown', (event) => this.#onDown(event));
    canvas.addEventListener('pointermove', (event) => this.#onMove(event));
    canvas.addEventListener('pointerup', (event) => this.#onUp(event));
    canvas.addEventListener('pointercancel', () => this.cancel());
    canvas.addEventListener('contextmenu', (event) => event.preventDefault());
    canvas.addEventListener('keydown', (event) => this.#onKey(event));
    canvas.addEventListener('blur', () => this.#setPointer(null));
  }

  /** Give a drag up; returns whether there was one. */
  cancel() {
    const wasDragging = this.start !== null;
    this.start = null;
    this.picture.rubber = null;
    this.picture.draw();
    return wasDragging;
  }

  #onDown(event) {
    if (!event.isPrimary || event.button !== 0) return;
    this.picture.canvas.setPointerCapture(event.pointerId);
    this.#setPointer(null);
    this.start = {
      x: event.clientX,
      y: event.clientY,
      place: this.picture.placeOf(event),
      stamp: this.picture.stamp, // a click means what was under it
      isDrag: false,
    };
  }

  #onMove(event) {
    if (!this.start || !event.isPrimary) return;
    const distance = Math.hypot(event.clientX - this.start.x, event.clientY - this.start.y);
    if (distance > DRAG_PX) this.start.isDrag = true;
    if (!this.start.isDrag) return;
    this.picture.rubber = boxOf(this.start.place, this.picture.placeOf(event));
    this.picture.draw();
  }

  #onUp(event) {
    if (!this.start || !event.isPrimary) return;
    this.#onMove(event);
    const { place, stamp, isDrag } = this.start;
    const exclude = event.shiftKey;
    this.cancel();
    if (!isDrag) this.#point(place, stamp, exclude);
    else {
      // The box was fitted to what is on the screen now.
      const box = boxOf(place, this.picture.placeOf(event));
      const isInside = box[0] < box[2] && box[1] < box[3];
      if (isInside) this.#prompt({ box, stamp: this.picture.stamp, exclude });
    }
  }

  #onKey(event) {
    const arrow = ARROWS[event.key];
    if (arrow) {
      const [x, y] = this.picture.pointer ?? [0.5, 0.5];
      this.#setPointer([clamp(x + STEP * arrow[0]), clamp(y + STEP * arrow[1])]);
    } else if ((event.key === 'Enter' || event.key === ' ') && this.picture.pointer) {
      this.#point(this.picture.pointer, this.picture.stamp, event.shiftKey);
    } else return;
    event.preventDefault();
  }

  #point(place, stamp, exclude) {
    const isInside = place.every((value) => value >= 0 && value < 1);
    if (isInside) this.#prompt({ point: place, stamp, exclude });
  }

  #prompt(prompt) {
    if (prompt.stamp !== null) this.onPrompt(prompt);
  }

  #setPointer(place) {
    if (place === this.picture.pointer) return;
    this.picture.pointer = place;
    this.picture.draw();
  }
}

function clamp(value) {
  return Math.min(Math.max(value, 0), 0.9999);
}

/** Return left, top, right, bottom of two corners, within the picture. */
function boxOf([x0, y0], [x1, y1]) {
  const bound = (value) => Math.min(Math.max(value, 0), 1);
  return [Math.min(x0, x1), Math.min(y0, y1), Math.max(x0, x1), Math.max(y0, y1)].map(bound);
}
