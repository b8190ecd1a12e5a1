// For how long the messages of the open conversation are kept: the line of its menu that says so, and
// the dialog in which its reader asks for less. Of what either member and the installation want, the
// shortest holds; which that is, the server says.

import { prefer } from './api.js';
import { part, write } from './templates.js';

export class Keeping {
  #state;
  #line = document.querySelector('[data-keeping]');
  #dialog = document.querySelector('[data-keeping-dialog]');
  #days = this.#dialog.querySelector('[data-keeping-days]');

  constructor(state) {
    this.#state = state;
    for (const event of ['open', 'list']) state.addEventListener(event, () => this.#paint());
    // The line that was chosen is out of sight by then.
    this.#dialog.addEventListener('close', () => document.querySelector('[data-preferences]').focus());
    this.#line.addEventListener('click', () => this.#ask());
    this.#dialog
      .querySelector('[data-close]')
      .addEventListener('click', () => this.#dialog.close());
    this.#dialog.querySelector('form').addEventListener('submit', (event) => {
      event.preventDefault();
      this.#save();
    });
  }

  #ask() {
    const { peer, displayName, keepDays } = this.#state.opened;
    this.#dialog.dataset.peer = peer;
    write(this.#dialog, 'name', displayName);
    part(this.#dialog, 'problem').hidden = true;
    this.#choose(keepDays);
    this.#dialog.showModal();
  }

  /** Programs may have asked for a number of days that is not among those offered. */
  #choose(days) {
    const value = String(days ?? '');
    this.#days.value = value;
    if (this.#days.value !== value) this.#days.add(new Option(`For ${inDays(days)}`, value));
    this.#days.value = value;
  }

  async #save() {
    const askedAt = performance.now();
    const days = this.#days.value === '' ? null : Number(this.#days.value);
    try {
      this.#state.prefer(await prefer(this.#dialog.dataset.peer, { keep_days: days }), askedAt);
    } catch ({ message }) {
      write(this.#dialog, 'problem', message);
      part(this.#dialog, 'problem').hidden = false;
      return;
    }
    this.#dialog.close();
  }

  #paint() {
    const { opened } = this.#state;
    if (!opened) return;
    const kept = opened.keptDays ? `for ${inDays(opened.keptDays)}` : 'for ever';
    write(this.#line, 'words', `Kept ${kept}…`);
    write(this.#dialog, 'kept', kept);
  }
}

const inDays = (days) => (days === 1 ? 'a day' : `${days} days`);
