// The messages of the open conversation as elements: what stands where (pure), and making it so by
// touching only what has changed. Where the reader looks is conversation.js's business.

import { dayName, dayOf, timeOf } from './days.js';
import { made, part, write } from './templates.js';

const TOGETHER_MILLISECONDS = 5 * 60_000;

// Of a deleted account that took its messages along, their place is left.
const ERASED = 'This message was erased.';

// What a state is called, for those who cannot see its sign.
const STATES = {
  waiting: 'Waiting to be sent',
  archived: 'Sent',
  delivered: 'Delivered',
  read: 'Read',
  refused: 'Not sent',
};

/** What is shown of a conversation from top to bottom: days, messages, and own ones on the way. */
export function items(conversation, outgoing, account) {
  const archived = conversation.shown.messages.map((message) =>
    archivedItem(message, conversation, account),
  );
  const all = [...archived, ...outgoing.map(outgoingItem)];
  return all.flatMap((item, index) => withDay(item, all[index - 1]));
}

function archivedItem(message, { peerRead, peerDelivered, displayName }, account) {
  const { id, seq, text, stored_at: time } = message;
  if (message.from !== account) return { key: `seq ${seq}`, seq, text, time, sender: displayName };
  const reached = seq <= peerDelivered ? 'delivered' : 'archived';
  const state = seq <= peerRead ? 'read' : reached;
  return { key: `own ${id}`, id, seq, text, time, isOwn: true, sender: 'You', state };
}

function outgoingItem({ id, text, writtenAt: time, problem }) {
  const state = problem ? 'refused' : 'waiting';
  return { key: `own ${id}`, id, text, time, isOwn: true, sender: 'You', state, problem };
}

function withDay(item, previous) {
  const isSameDay = previous !== undefined && dayOf(previous.time) === dayOf(item.time);
  const isNear = isSameDay && new Date(item.time) - new Date(previous.time) < TOGETHER_MILLISECONDS;
  const follows = isNear && Boolean(previous.isOwn) === Boolean(item.isOwn);
  const placed = { ...item, follows };
  if (isSameDay) return [placed];
  return [{ key: `day ${dayOf(item.time)}`, day: item.time }, placed];
}

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
      paint(element, item);
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

function paint(element, item) {
  if (item.template) return undefined;
  if (item.day) return write(element, 'name', dayName(item.day));
  if (element.dataset.painted === undefined) paintOnce(element, item);
  write(element, 'sender', `${item.sender}:`);
  element.dataset.follows = String(item.follows);
  if (item.seq) element.dataset.seq = item.seq;
  const time = part(element, 'time');
  if (time.dateTime !== item.time) {
    time.dateTime = item.time;
    time.textContent = timeOf(item.time);
  }
  if (item.isOwn) paintState(element, item);
}

/** What never changes in a message. */
function paintOnce(element, { text, isOwn, id }) {
  element.dataset.painted = '';
  element.dataset.own = String(Boolean(isOwn));
  if (id) element.dataset.id = id;
  write(element, 'text', text || ERASED);
  element.dataset.erased = String(!text);
}

function paintState(element, { state, problem }) {
  const detail = problem?.detail ?? '';
  if (element.dataset.state === state && part(element, 'problem-detail').textContent === detail)
    return;
  element.dataset.state = state;
  write(element, 'state-name', STATES[state]);
  part(element, 'state').hidden = false;
  part(element, 'problem').hidden = !problem;
  write(element, 'problem-detail', detail);
}
