// The messages of the open conversation as elements, in their order, touching only what has changed.
// What they show is items.js, one of them message.js; where the reader looks is conversation.js.

import { dayName } from './days.js';
import { paintMessage } from './message.js';
import { made, write } from './templates.js';

export class MessageElements {
  #list;
  #elements = new Map();

  constructor(list) {
    this.#list = list;
  }

  /** Show exactly these items. */
  show(items) {
    // First, or all that stays would be moved to before what goes.
    const shown = new Set(items.map(({ key }) => key));
    for (const [key, element] of this.#elements) if (!shown.has(key)) this.#drop(key, element);
    let next = this.#list.firstElementChild;
    for (const item of items) {
      const element = this.#elements.get(item.key) ?? this.#make(item);
      if (item.day) write(element, 'name', dayName(item.day));
      else if (!item.template) paintMessage(element, item);
      if (element === next) next = next.nextElementSibling;
      else this.#list.insertBefore(element, next);
    }
  }

  /** Show nothing; used when another conversation is opened. */
  clear() {
    this.#elements.clear();
    this.#list.replaceChildren();
  }

  /** The message of this number, or the next one that is shown. */
  of(seq) {
    const messages = this.#list.querySelectorAll('[data-seq]');
    return [...messages].find((each) => Number(each.dataset.seq) >= seq);
  }

  #make(item) {
    const element = made(item.template ?? (item.day ? 'day' : 'message'));
    this.#elements.set(item.key, element);
    return element;
  }

  #drop(key, element) {
    this.#elements.delete(key);
    element.remove();
  }
}
