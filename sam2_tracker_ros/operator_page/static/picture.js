// SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
// SPDX-License-Identifier: Apache-2.0

// The camera picture on its canvas, and what is drawn over it in the screen's own pixels.

const COLORS = { TRACKING: '#19d873', COASTING: '#ffb400' };
const MARK_LIFE_MS = 4000;

export class Picture {
  constructor(canvas) {
    this.canvas = canvas;
    this.context = canvas.getContext('2d');
    this.bitmap = null;
    this.stamp = null; // of the picture that is shown, nanoseconds as text
    this.target = null;
    this.rubber = null; // box that is being drawn: [left, top, right, bottom] in 0..1
    this.pointer = null; // of the keyboard: [x, y] in 0..1
    this.mark = null; // where the last prompt was, until it is answered
    new ResizeObserver(() => this.#resize()).observe(canvas);
  }

  /** Show what the tracker says, and a new picture if there is one. */
  show(bitmap, stamp, target) {
    this.target = target;
    if (bitmap) {
      this.bitmap?.close();
      this.bitmap = bitmap;
      this.stamp = stamp;
      const size = `${bitmap.width} / ${bitmap.height}`;
      if (this.canvas.parentElement.style.aspectRatio !== size) {
        this.canvas.parentElement.style.aspectRatio = size;
      }
    }
    this.draw();
    const shown = this.canvas.dataset;
    shown.stamp = this.stamp ?? '';
    shown.box = target?.box ? target.box.join(',') : '';
    shown.targetStamp = target?.stamp ?? '';
  }

  /** Where the picture is within the canvas, in CSS pixels. */
  area() {
    const { clientWidth, clientHeight } = this.canvas;
    if (!this.bitmap) return { left: 0, top: 0, width: clientWidth, height: clientHeight };
    const scale = Math.min(
      clientWidth / this.bitmap.width, clientHeight / this.bitmap.height);
    const width = scale * this.bitmap.width;
    const height = scale * this.bitmap.height;
    return { left: (clientWidth - width) / 2, top: (clientHeight - height) / 2, width, height };
  }

  /** Return the place of a pointer event in 0..1 of the picture; outside of it beyond that. */
  placeOf(event) {
    const bounds = this.canvas.getBoundingClientRect();
    const area = this.area();
    return [
      (event.clientX - bounds.left - area.left) / area.width,
      (event.clientY - bounds.top - area.top) / area.height,
    ];
  }

  /** Mark where a prompt was; the mark ends with `unmark`, or by itself. */
  markAt(place) {
    const mark = { place };
    this.mark = mark;
    setTimeout(() => this.unmark(mark), MARK_LIFE_MS);
    this.draw();
  }

  unmark(mark = this.mark) {
    if (this.mark !== mark) return;
    this.mark = null;
    this.draw();
  }

  draw() {
    const { context, canvas } = this;
    const ratio = window.devicePixelRatio || 1;
    const area = this.area();
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, canvas.width, canvas.height);
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    if (!this.bitmap) return;
    context.imageSmoothingQuality = 'high';
    context.drawImage(this.bitmap, area.left, area.top, area.width, area.height);
    this.#drawTarget(area);
    if (this.rubber) this.#drawRubber(area);
    if (this.pointer) this.#drawCross(area, this.pointer, 14);
    if (this.mark) this.#drawMark(area);
  }

  /** Brackets around the box, which the picture has as a thin line only. */
  #drawTarget(area) {
    const { context, target } = this;
    const color = target && COLORS[target.state];
    if (!color || !target.box) return;
    const [left, top, right, bottom] = rectangle(area, target.box, 5);
    const arm = Math.max(8, Math.min(22, (right - left) / 3, (bottom - top) / 3));
    context.beginPath();
    for (const [x, y, dx, dy] of [
      [left, top, 1, 1], [right, top, -1, 1], [right, bottom, -1, -1], [left, bottom, 1, -1],
    ]) {
      context.moveTo(x + dx * arm, y);
      context.lineTo(x, y);
      context.lineTo(x, y + dy * arm);
    }
    this.#stroke(color, 3);
  }

  #drawRubber(area) {
    const [left, top, right, bottom] = rectangle(area, this.rubber, 0);
    this.context.beginPath();
    this.context.rect(left, top, right - left, bottom - top);
    this.context.fillStyle = 'rgb(255 255 255 / 14%)';
    this.context.fill();
    this.#stroke('#ffffff', 2);
  }

  #drawCross(area, place, arm) {
    const [x, y] = [area.left + place[0] * area.width, area.top + place[1] * area.height];
    this.context.beginPath();
    for (const [dx, dy] of [[1, 0], [-1, 0], [0, 1], [0, -1]]) {
      this.context.moveTo(x + 4 * dx, y + 4 * dy);
      this.context.lineTo(x + arm * dx, y + arm * dy);
    }
    this.#stroke('#ffffff', 2);
  }

  #drawMark(area) {
    const [x, y] = this.mark.place;
    this.context.beginPath();
    this.context.arc(area.left + x * area.width, area.top + y * area.height, 16, 0, 2 * Math.PI);
    this.#stroke('#ffffff', 3);
    this.#drawCross(area, this.mark.place, 10);
  }

  /** Draw the path with a dark rim, so that it is seen on any ground. */
  #stroke(color, width) {
    const { context } = this;
    context.lineJoin = context.lineCap = 'round';
    context.strokeStyle = 'rgb(0 0 0 / 65%)';
    context.lineWidth = width + 2.5;
    context.stroke();
    context.strokeStyle = color;
    context.lineWidth = width;
    context.stroke();
  }

  #resize() {
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(this.canvas.clientWidth * ratio);
    this.canvas.height = Math.round(this.canvas.clientHeight * ratio);
    this.draw();
  }
}

/** Return a box in CSS pixels of the canvas, grown by a margin. */
function rectangle(area, [left, top, right, bottom], margin) {
  return [
    area.left + left * area.width - margin,
    area.top + top * area.height - margin,
    area.left + right * area.width + margin,
    area.top + bottom * area.height + margin,
  ];
}
