// Which conversation is open stands in the address (`/#bob`), so that a reload, a bookmark and the
// phone's back key do what one expects.

import { findAccount } from './sync.js';

export class Address {
  #state;
  #cameFromList = false;

  constructor(state) {
    this.#state = state;
    window.addEventListener('hashchange', ({ oldURL }) => {
      this.#cameFromList = this.#peer !== '' && new URL(oldURL).hash === '';
      this.follow();
    });
    document.querySelector('[data-back]').addEventListener('click', () => this.#back());
  }

  /** Open a conversation. */
  show(peer) {
    if (this.#peer === peer) this.#state.open(peer);
    else location.hash = peer;
  }

  /** Open what the address names, if it is known already. */
  followIfKnown() {
    if (this.#state.conversation(this.#peer)) this.#state.open(this.#peer);
  }

  /** Open what the address names; a name that nobody has leads to the list. */
  async follow() {
    const peer = this.#peer;
    if (!peer || this.#state.conversation(peer)) return this.#state.open(peer || null);
    const found = peer === this.#state.account ? null : await findAccount(peer).catch(() => null);
    if (peer !== this.#peer) return undefined;
    if (!found) return location.replace('#');
    this.#state.begin(found.account, found.display_name);
    return this.#state.open(peer);
  }

  get #peer() {
    return location.hash.slice(1);
  }

  #back() {
    if (this.#cameFromList) history.back();
    else location.replace('#');
  }
}
