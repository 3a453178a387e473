// SPDX-FileCopyrightText: 2026 sam2_tracker_ros contributors
// SPDX-License-Identifier: Apache-2.0

// The websocket: packets in, requests out. It comes back by itself.

const FIRST_RETRY_MS = 400;
const LAST_RETRY_MS = 3000;
// The server says something twice a second; after this silence the connection is given up.
const SILENCE_MS = 4000;

export class Connection {
  /**
   * @param {object} handlers onOpen(), onPacket(header, bitmap or null), onAnswer(message),
   *   onProblem(text): why there is no connection.
   */
  constructor(handlers) {
    this.handlers = handlers;
    this.socket = null;
    this.retryMs = FIRST_RETRY_MS;
    this.heardAt = 0;
    this.timer = 0;
    setInterval(() => this.#checkSilence(), 500);
    // Nobody looks at a hidden page: it costs the link and the tracker nothing.
    document.addEventListener('visibilitychange', () => {
      if (document.hidden) this.#drop();
      else if (!this.socket) this.open();
    });
  }

  open() {
    clearTimeout(this.timer);
    const scheme = location.protocol === 'https:' ? 'wss' : 'ws';
    const socket = new WebSocket(`${scheme}://${location.host}/socket`);
    socket.binaryType = 'arraybuffer';
    this.socket = socket;
    this.heardAt = performance.now();
    let wasOpen = false;
    socket.onopen = () => {
      wasOpen = true;
      this.handlers.onOpen();
    };
    socket.onmessage = (event) => {
      if (typeof event.data === 'string') this.handlers.onAnswer(JSON.parse(event.data));
      else this.#onPacket(socket, event.data);
    };
    socket.onclose = (event) => {
      this.#drop();
      if (event.reason) this.handlers.onProblem(event.reason);
      else if (!wasOpen) this.#askWhy();
      if (!document.hidden) this.#retry();
    };
  }

  /** Send a request; returns whether there is a connection. */
  send(message) {
    if (!this.socket || this.socket.readyState !== WebSocket.OPEN) return false;
    this.socket.send(JSON.stringify(message));
    return true;
  }

  async #onPacket(socket, buffer) {
    this.heardAt = performance.now();
    this.retryMs = FIRST_RETRY_MS;
    const length = new DataView(buffer).getUint32(0);
    const header = JSON.parse(new TextDecoder().decode(new Uint8Array(buffer, 4, length)));
    let bitmap = null;
    if (buffer.byteLength > 4 + length) {
      const jpeg = new Blob([new Uint8Array(buffer, 4 + length)], { type: 'image/jpeg' });
      bitmap = await createImageBitmap(jpeg).catch(() => null);
    }
    if (socket !== this.socket) return;
    this.handlers.onPacket(header, bitmap);
    this.send({ type: 'ack', packet: header.packet });
  }

  #checkSilence() {
    if (this.socket && performance.now() - this.heardAt > SILENCE_MS) {
      this.#drop();
      this.#retry();
    }
  }

  /** Forget the socket without waiting for the other side, which may be out of reach. */
  #drop() {
    const socket = this.socket;
    this.socket = null;
    clearTimeout(this.timer);
    if (socket) {
      socket.onopen = socket.onmessage = socket.onclose = null;
      socket.close();
    }
  }

  #retry() {
    this.timer = setTimeout(() => this.open(), this.retryMs);
    this.retryMs = Math.min(1.6 * this.retryMs, LAST_RETRY_MS);
  }

  /** A browser hides why a websocket was refused: ask for the page, which says it. */
  async #askWhy() {
    const response = await fetch('/').catch(() => null);
    this.handlers.onProblem(response && !response.ok ? await response.text() : '');
  }
}
