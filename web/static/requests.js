// Somebody writes for the first time to who wants strangers to be accepted: the line that says so
// above the composer, accepting them without an answer, and blocking them. An answer accepts them too.

import { accept } from './api.js';
import { part, write } from './templates.js';

export class Requests {
  #state;
  #notice = document.querySelector('[data-request-notice]');

  constructor(state, blocking) {
    this.#state = state;
    for (const event of ['open', 'list', 'thread'])
      state.addEventListener(event, () => this.#paint());
    state.addEventListener('open', () => {
      part(this.#notice, 'problem').hidden = true;
    });
    this.#notice.querySelector('[data-accept]').addEventListener('click', () => this.#accept());
    this.#notice
      .querySelector('[data-block-stranger]')
      .addEventListener('click', () => blocking.ask());
  }

  async #accept() {
    const askedAt = performance.now();
    try {
      this.#state.summarize(await accept(this.#state.openPeer), askedAt);
    } catch ({ message }) {
      write(this.#notice, 'problem', message);
      part(this.#notice, 'problem').hidden = false;
    }
  }

  #paint() {
    const { opened } = this.#state;
    if (!opened) return;
    write(this.#notice, 'name', opened.displayName);
    this.#notice.hidden = !this.#state.isRequest(opened);
  }
}
