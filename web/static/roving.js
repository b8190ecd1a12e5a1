// The keyboard's way through the messages: one of them at a time is a stop of the Tab key, the arrow
// keys lead to the others. Its controls are those with data-roving.

const CONTROLS = '[data-roving]';

export class Roving {
  #list;
  #current = null;

  constructor(list) {
    this.#list = list;
    list.addEventListener('keydown', (event) => this.#onKey(event));
    list.addEventListener('focusin', ({ target }) => this.#moveTo(target.closest('[data-message]')));
  }

  /** The messages have changed: the newest is the stop, unless the reader has gone to another. */
  update() {
    const isGone = !this.#current?.isConnected || !isStop(this.#current);
    if (isGone || !this.#list.contains(document.activeElement)) this.#moveTo(this.#newest);
    else this.#moveTo(this.#current);
  }

  get #newest() {
    let element = this.#list.lastElementChild;
    while (element && !isStop(element)) element = element.previousElementSibling;
    return element;
  }

  get #stops() {
    return [...this.#list.querySelectorAll('[data-message]')].filter(isStop);
  }

  #moveTo(message) {
    if (!message) return;
    if (message !== this.#current) this.#current && setStop(this.#current, -1);
    this.#current = message;
    setStop(message, 0);
  }

  #onKey(event) {
    const { key, target } = event;
    if (!target.matches(CONTROLS)) return;
    const next = nextOf(this.#stops, target.closest('[data-message]'), key);
    if (next === undefined) return;
    event.preventDefault();
    next?.querySelector('[data-act]').focus();
    next?.scrollIntoView({ block: 'nearest' });
  }
}

/** Which message a key leads to: null for none, undefined for a key that leads nowhere. */
function nextOf(messages, message, key) {
  const index = messages.indexOf(message);
  if (key === 'ArrowUp') return messages[index - 1] ?? null;
  if (key === 'ArrowDown') return messages[index + 1] ?? null;
  if (key === 'Home') return messages[0] ?? null;
  if (key === 'End') return messages.at(-1) ?? null;
  return undefined;
}

const isStop = (element) => element.querySelector('[data-act]')?.hidden === false;

function setStop(message, tabIndex) {
  for (const control of message.querySelectorAll(CONTROLS)) {
    if (control.tabIndex !== tabIndex) control.tabIndex = tabIndex;
  }
}
