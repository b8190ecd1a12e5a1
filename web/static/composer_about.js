// What the composer is about, beside a new message: an answer to one, or another wording of an own
// one. Remembered for each conversation as long as the page lives.

import { isThere } from './changes.js';
import { quoteOf } from './items.js';
import { write } from './templates.js';

export class About {
  #state;
  #place = document.querySelector('[data-about]');
  #byPeer = new Map(); // peer → {kind, seq}

  /** `onGone` is called when what the composer was about is not there any more. */
  constructor(state, onCancel, onGone) {
    this.#state = state;
    this.#place.querySelector('[data-about-cancel]').addEventListener('click', onCancel);
    state.addEventListener('thread', ({ detail }) => {
      if (detail.peer === state.openPeer) this.#look(onGone);
    });
  }

  /** {kind: 'reply' or 'edit', seq}, or nothing. */
  of(peer) {
    return this.#byPeer.get(peer) ?? {};
  }

  begin(peer, kind, seq) {
    this.#byPeer.set(peer, { kind, seq });
    this.paint();
  }

  end(peer) {
    this.#byPeer.delete(peer);
    this.paint();
  }

  /** Show it for the open conversation. */
  paint() {
    const { opened } = this.#state;
    const { kind, seq } = this.of(opened?.peer);
    this.#place.hidden = !kind;
    if (!kind) return;
    const { sender, words } = quoteOf(this.#state, opened, opened.text(seq));
    const whom = sender === 'You' ? 'yourself' : sender;
    write(this.#place, 'title', kind === 'edit' ? 'Edit your message' : `Reply to ${whom}`);
    write(this.#place, 'words', words);
  }

  #look(onGone) {
    const { opened } = this.#state;
    const { kind, seq } = this.of(opened?.peer);
    if (!kind) return;
    const text = opened.text(seq);
    if (text && isThere(text)) return this.paint();
    this.end(opened.peer);
    return onGone();
  }
}
