// One message as an element: its text with what it answers, when it was sent and how far it got,
// whether it was edited, and the reactions to it. Touches only what has changed since the last time.

import { shortTime, timeOf } from './days.js';
import { foldIfLong } from './folding.js';
import { formatted } from './formatting.js';
import { made, optionalPart, part, write } from './templates.js';

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
  paintState(element, item);
  paintProblem(element, item);
  const bubble = element.firstElementChild;
  optionalPart(element, 'act', item.seq && item.isThere, (button) => bubble.append(button));
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
  const put = (added) => part(element, 'time').after(added);
  if (optionalPart(element, 'edited', editedAt, put))
    write(element, 'edited', `· edited ${shortTime(editedAt)}`);
}

function paintQuote(element, { quote }) {
  const put = (added) => part(element, 'text').before(added);
  const shown = optionalPart(element, 'quote', quote, put);
  if (!shown) return;
  shown.dataset.quoted = quote.seq;
  write(shown, 'quote-sender', quote.sender);
  write(shown, 'quote-words', quote.words);
}

/** The buttons stay as long as their emoji does, and so does the focus. */
function paintReactions(element, { reactions }) {
  const put = (added) => element.firstElementChild.after(added);
  const row = optionalPart(element, 'reactions', reactions.length > 0, put);
  if (!row) return;
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

function paintState(element, { state }) {
  if (!optionalPart(element, 'state', state, (added) => part(element, 'meta').append(added))) return;
  element.dataset.state = state;
  write(element, 'state-name', STATES[state]);
}

function paintProblem(element, { problem, problemId }) {
  const shown = optionalPart(element, 'problem', problem, (added) => element.append(added));
  if (!shown) return;
  shown.dataset.problem = problemId;
  write(shown, 'problem-detail', problem.detail);
}
