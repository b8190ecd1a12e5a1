// The menu in the head of the open conversation: pin, mute, archive. The server keeps them; the list
// shows what it answers. What stands in it besides is keeping.js's.

import { prefer } from './api.js';
import { part, write } from './templates.js';

const STEPS = { ArrowDown: 1, ArrowUp: -1 };

export class Preferences {
  #state;
  #button = document.querySelector('[data-preferences]');
  #menu = document.querySelector('[data-preferences-menu]');
  #items = [...this.#menu.querySelectorAll('[role^=menuitem]')];
  #switches = this.#items.filter((item) => item.dataset.preference);

  constructor(state) {
    this.#state = state;
    for (const event of ['open', 'list']) state.addEventListener(event, () => this.#paint());
    state.addEventListener('open', () => this.#menu.hidePopover());
    this.#button.addEventListener('click', () => this.#menu.togglePopover());
    this.#menu.addEventListener('toggle', ({ newState }) => this.#toggled(newState === 'open'));
    this.#menu.addEventListener('keydown', (event) => this.#onKey(event));
    for (const item of this.#switches) item.addEventListener('click', () => this.#chosen(item));
  }

  #toggled(isOpen) {
    this.#button.setAttribute('aria-expanded', String(isOpen));
    if (isOpen) this.#items[0].focus();
    else part(this.#menu, 'problem').hidden = true;
  }

  #onKey(event) {
    const { key, target } = event;
    if (key === 'Tab') this.#menu.hidePopover();
    const ends = { Home: this.#items[0], End: this.#items.at(-1) };
    const at = this.#items.indexOf(target) + (STEPS[key] ?? 0) + this.#items.length;
    const next = ends[key] ?? (STEPS[key] && this.#items[at % this.#items.length]);
    if (!next) return;
    event.preventDefault();
    next.focus();
  }

  async #chosen(item) {
    const { opened } = this.#state;
    const askedAt = performance.now();
    const preference = { [item.dataset.preference]: item.ariaChecked !== 'true' };
    try {
      this.#state.prefer(await prefer(opened.peer, preference), askedAt);
    } catch ({ message }) {
      write(this.#menu, 'problem', message);
      part(this.#menu, 'problem').hidden = false;
      return;
    }
    this.#menu.hidePopover();
    this.#button.focus();
  }

  /** Two who have not written yet have no conversation to prefer anything for. */
  #paint() {
    const { opened } = this.#state;
    if (!opened) return;
    this.#button.hidden = opened.conversation === undefined;
    const { isPinned: pinned, isMuted: muted, isArchived: archived } = opened;
    const values = { pinned, muted, archived };
    for (const item of this.#switches)
      item.setAttribute('aria-checked', String(values[item.dataset.preference]));
  }
}
