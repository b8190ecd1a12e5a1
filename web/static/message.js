// One message as an element: its text with what it answers, when it was sent and how far it got,
// whether it was edited, and the reactions to it. Touches only what has changed since the last time.

import { shortTime, timeOf } from './days.js';
import { foldIfLong } from './folding.js';
import { formatted } from './formatting.js';
import { made, part, write } from './templates.js';

// What a state is called, for those who cannot see its sign.
const STATES = {
  waiting: 'Waiting to be sent',
  archived: 'Sent',
  delivered: 'Delivered',
  read: 'Read',
  refused: 'Not sent',
};
const painted = new WeakMap();

/** Make the element show the item, as items.js describes it. */
export function paintMessage(element, item) {
  const before = painted.get(element) ?? {};
  if (isSame(before, item)) return;
  painted.set(element, item);
  if (item.id) element.dataset.id = item.id;
  if (item.seq) element.dataset.seq = item.seq;
  element.dataset.own = String(Boolean(item.isOwn));
  element.dataset.follows = String(item.follows);
  write(element, 'sender', `${item.sender}:`);
  if (before.text !== item.text || before.isThere !== item.isThere) paintText(element, item);
  if (before.time !== item.time) {
    part(element, 'time').dateTime = item.time;
    write(element, 'time', timeOf(item.time));
  }
  paintEdited(element, item);
  paintQuote(element, item);
  paintReactions(element, item);
  part(element, 'act').hidden = !item.seq || !item.isThere;
  paintState(element, item);
}

/** Looked at before anything is sought in the element: there are hundreds at each change. */
function isSame(before, item) {
  const isEqual = (one, other) =>
    one === other || (one instanceof Object && JSON.stringify(one) === JSON.stringify(other));
  return Object.keys(item).every((name) => isEqual(item[name], before[name]));
}

function paintText(element, { text, isThere }) {
  const shown = part(element, 'text');
  shown.replaceChildren(isThere ? formatted(text) : text);
  element.dataset.there = String(isThere);
  foldIfLong(element, text);
}

function paintEdited(element, { editedAt }) {
  part(element, 'edited').hidden = !editedAt;
  if (editedAt) write(element, 'edited', `· edited ${shortTime(editedAt)}`);
}

function paintQuote(element, { quote }) {
  part(element, 'quote').hidden = !quote;
  if (!quote) return;
  part(element, 'quote').dataset.quoted = quote.seq;
  write(element, 'quote-sender', quote.sender);
  write(element, 'quote-words', quote.words);
}

/** The buttons stay as long as their emoji does, and so does the focus. */
function paintReactions(element, { reactions }) {
  const row = part(element, 'reactions');
  row.hidden = reactions.length === 0;
  for (const chip of [...row.children])
    if (!reactions.some(({ emoji }) => emoji === chip.dataset.reaction)) chip.remove();
  for (const { emoji, who, isOwn } of reactions) {
    const known = [...row.children].find((chip) => chip.dataset.reaction === emoji);
    const chip = known ?? row.appendChild(made('reaction'));
    chip.dataset.reaction = emoji;
    chip.setAttribute('aria-pressed', String(isOwn));
    chip.title = who.join(', ');
    write(chip, 'emoji', emoji);
    write(chip, 'count', who.length > 1 ? String(who.length) : '');
    write(chip, 'who', ` by ${who.join(' and ')}`);
  }
}

function paintState(element, { state, problem, problemId }) {
  const detail = problem?.detail ?? '';
  part(element, 'state').hidden = !state;
  if (state) element.dataset.state = state;
  else delete element.dataset.state;
  write(element, 'state-name', STATES[state] ?? '');
  part(element, 'problem').hidden = !problem;
  part(element, 'problem').dataset.problem = problemId ?? '';
  write(element, 'problem-detail', detail);
}
