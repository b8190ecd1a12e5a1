// Which conversation is open stands in the address (`/#bob`), so that a reload, a bookmark and the
// phone's back key do what one expects. `/#alice,bob/17` is the permanent link to a message, for
// whichever of the two follows it; within the page, `/#bob/17` is enough.

import { note } from './announcements.js';
import { findAccount } from './sync.js';

/** The permanent link to a message: it names both members, so either may follow it. */
export const linkTo = (account, peer, seq) => `${location.origin}/#${account},${peer}/${seq}`;

export class Address {
  #state;
  #showMessage;
  #cameFromList = false;

  /** `showMessage` is called with the number of a message of the open conversation. */
  constructor(state, showMessage) {
    this.#state = state;
    this.#showMessage = showMessage;
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

  /** Open a conversation at one of its messages. */
  showMessage(peer, seq) {
    const hash = `#${peer}/${seq}`;
    if (location.hash === hash) return this.follow();
    location.hash = hash;
    return undefined;
  }

  /** Open what the address names, if it is known already. */
  followIfKnown() {
    if (this.#state.conversation(this.#peer)) this.#state.open(this.#peer);
  }

  /** Open what the address names; a name that nobody has leads to the list, and is said so. */
  async follow() {
    const peer = this.#peer;
    if (!peer || this.#state.conversation(peer)) return this.#open(peer || null);
    const found = peer === this.#state.account ? null : await findAccount(peer).catch(() => null);
    if (peer !== this.#peer) return undefined;
    if (!found) {
      note(`There is no conversation with ${peer}.`);
      return location.replace('#');
    }
    this.#state.begin(found.account, found.display_name);
    return this.#open(peer);
  }

  async #open(peer) {
    const seq = Number(/^#[^/]+\/(\d{1,16})$/.exec(location.hash)?.[1]);
    this.#state.open(peer);
    if (peer && seq) await this.#showMessage(seq);
  }

  get #peer() {
    const names = location.hash.slice(1).split('/')[0].split(',');
    return names.find((name) => name !== this.#state.account) ?? names[0];
  }

  #back() {
    if (this.#cameFromList) history.back();
    else location.replace('#');
  }
}
