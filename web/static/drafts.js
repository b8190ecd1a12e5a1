// What was begun and not sent, one text for each conversation, kept in localStorage: it is written
// before the page can go away, which IndexedDB does not promise.

import { draftsOf } from './seen.js';

export class Drafts {
  #key;
  #texts; // where there is no localStorage, it holds them alone

  constructor(account) {
    this.#key = draftsOf(account);
    this.#texts = this.#read() ?? {};
  }

  /** The text that was begun for this peer, or an empty one. */
  of(peer) {
    return this.#texts[peer] ?? '';
  }

  keep(peer, text) {
    if (this.of(peer) === text) return;
    this.#texts = { ...this.#texts, ...this.#read() }; // another tab may have written
    if (text) this.#texts[peer] = text;
    else delete this.#texts[peer];
    try {
      localStorage.setItem(this.#key, JSON.stringify(this.#texts));
    } catch {
      // Full, or forbidden: then they last as long as the page.
    }
  }

  #read() {
    try {
      return JSON.parse(localStorage.getItem(this.#key));
    } catch {
      return null;
    }
  }
}
