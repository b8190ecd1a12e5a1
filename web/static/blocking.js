// Blocking the peer of the open conversation, and letting them write again: the button in its head,
// the question before, and the line that says so. Who is blocked is asked of the server at each new
// connection. Whoever blocks may report them too.

import { block, blocks, persistently, report, unblock } from './api.js';
import { part, write } from './templates.js';

const MOST_REPORTED = 10;

export class Blocking {
  #state;
  #sync;
  #blocked = new Set();
  #button = document.querySelector('[data-block]');
  #notice = document.querySelector('[data-blocked-notice]');
  #dialog = document.querySelector('[data-block-dialog]');
  #form = document.querySelector('[data-block-form]');
  #reports = document.querySelector('[data-report]');
  #reason = document.querySelector('#report-reason');

  constructor(state, connection, sync) {
    this.#state = state;
    this.#sync = sync;
    for (const event of ['open', 'list']) state.addEventListener(event, () => this.#paint());
    connection.addEventListener('status', ({ detail }) => {
      if (detail.status === 'online') this.#learn();
    });
    this.#button.addEventListener('click', () => this.#pressed());
    this.#notice
      .querySelector('[data-unblock]')
      .addEventListener('click', () => this.#change(unblock, this.#state.openPeer));
    this.#dialog
      .querySelector('[data-keep]')
      .addEventListener('click', () => this.#dialog.close());
    this.#form.addEventListener('submit', (event) => {
      event.preventDefault();
      this.#change(this.#reports.checked ? this.#reportAndBlock : block, this.#dialog.dataset.peer);
    });
    this.#reports.addEventListener('change', () => this.#askForReason());
  }

  async #learn() {
    const { blocks: found } = await persistently(blocks);
    this.#blocked = new Set(found.map(({ account }) => account));
    this.#paint();
  }

  get #isBlocked() {
    return this.#blocked.has(this.#state.openPeer);
  }

  #pressed() {
    const { opened } = this.#state;
    return this.#isBlocked ? this.#change(unblock, opened.peer) : this.ask();
  }

  /** Whether to block the peer of the open conversation. */
  ask() {
    const { opened } = this.#state;
    this.#dialog.dataset.peer = opened.peer;
    write(this.#dialog, 'name', opened.displayName);
    part(this.#dialog, 'problem').hidden = true;
    this.#form.reset();
    this.#askForReason();
    return this.#dialog.showModal();
  }

  #askForReason() {
    const { checked } = this.#reports;
    this.#form.querySelector('[data-report-reason]').hidden = !checked;
    this.#reason.required = checked;
    if (checked) this.#reason.focus();
  }

  #reportAndBlock = async (peer) => {
    const newest = this.#state.conversation(peer).fromPeerAfter(0).slice(-MOST_REPORTED);
    await report(peer, this.#reason.value, newest.map(({ seq }) => seq));
    await block(peer);
  };

  async #change(call, peer) {
    try {
      await call(peer);
    } catch (error) {
      return this.#complain(error);
    }
    if (call !== unblock) {
      this.#blocked.add(peer);
      this.#state.presence({ account: peer, online: false, last_seen_at: null });
    } else {
      this.#blocked.delete(peer);
      this.#sync.catchUp(); // the list says whether they are here
    }
    this.#dialog.close();
    this.#button.focus();
    return this.#paint();
  }

  #complain({ message }) {
    const place = this.#dialog.open ? this.#dialog : this.#notice;
    write(place, 'problem', message);
    part(place, 'problem').hidden = false;
  }

  #paint() {
    const { opened } = this.#state;
    if (!opened) return;
    this.#button.hidden = opened.isDeleted;
    this.#button.setAttribute('aria-pressed', String(this.#isBlocked));
    const verb = this.#isBlocked ? 'Unblock' : 'Block';
    write(this.#button, 'words', `${verb} ${opened.displayName}`);
    this.#button.title = verb;
    write(this.#notice, 'name', opened.displayName);
    if (this.#notice.hidden === this.#isBlocked) part(this.#notice, 'problem').hidden = true;
    this.#notice.hidden = !this.#isBlocked;
  }
}
