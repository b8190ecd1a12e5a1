// What is shown of a conversation from top to bottom: days, messages as they are now, and own ones
// on the way. Pure; messages.js makes elements of it.

import { isThere, said } from './changes.js';
import { dayOf } from './days.js';
import { plain } from './formatting.js';

// What became of a change that the bridge refused.
const IN_VAIN = { edit: 'Not edited', unsend: 'Not unsent', react: 'Not reacted' };
const TOGETHER_MILLISECONDS = 5 * 60_000;

/** All items of the conversation, without those on the way where history is shown. */
export function items(state, conversation) {
  const archived = conversation.shown.messages.map((text) => archivedItem(state, conversation, text));
  const outgoing = conversation.past ? [] : state.outgoingTo(conversation.peer);
  const all = [...archived, ...outgoing.map((each) => outgoingItem(state, conversation, each))];
  return all.flatMap((item, index) => withDay(item, all[index - 1]));
}

/** Who said it, as its reader calls them. */
export const senderOf = (state, { displayName }, { from }) =>
  from === state.account ? 'You' : displayName;

/** The beginning of what a text says, for a quote of it: {sender, words}; with no `text` known to
    anybody, only words. */
export function quoteOf(state, conversation, text) {
  if (!text) return { sender: '', words: 'A message that is not here' };
  const words = plain(said(state.expected(conversation.peer, text)));
  return { sender: senderOf(state, conversation, text), words };
}

function archivedItem(state, conversation, archived) {
  const text = state.expected(conversation.peer, archived);
  const { id, seq, stored_at: time } = text;
  const isOwn = text.from === state.account;
  const refused = isThere(archived) && state.refusedChange(conversation.peer, seq);
  return {
    key: isOwn ? `own ${id}` : `seq ${seq}`,
    id,
    seq,
    time,
    isOwn,
    text: said(text),
    isThere: isThere(text),
    sender: senderOf(state, conversation, text),
    editedAt: text.unsent_at ? undefined : text.edited_at,
    quote: isThere(text) ? quote(state, conversation, text.reply_to) : null,
    reactions: reactions(state, conversation, text),
    state: isOwn ? reached(conversation, seq) : undefined,
    problem: refused && { detail: `${IN_VAIN[refused.verb]}: ${refused.problem.detail}` },
    problemId: refused?.id,
  };
}

function outgoingItem(state, conversation, { id, text, writtenAt: time, problem, replyTo }) {
  return {
    key: `own ${id}`,
    id,
    time,
    isOwn: true,
    text,
    isThere: true,
    sender: 'You',
    quote: quote(state, conversation, replyTo),
    reactions: [],
    state: problem ? 'refused' : 'waiting',
    problem,
    problemId: id,
  };
}

function reached({ peerRead, peerDelivered }, seq) {
  if (seq <= peerRead) return 'read';
  return seq <= peerDelivered ? 'delivered' : 'archived';
}

function quote(state, conversation, seq) {
  if (!seq) return null;
  const text = conversation.text(seq);
  const words = text === undefined ? { sender: '', words: '…' } : quoteOf(state, conversation, text);
  return { seq, isUnknown: text === undefined, ...words };
}

/** emoji → the accounts that gave it. */
function grouped(given) {
  const accounts = new Map();
  for (const [account, emoji] of Object.entries(given))
    accounts.set(emoji, [...(accounts.get(emoji) ?? []), account]);
  return accounts;
}

/** By emoji, with the names of those who gave it; oneself first. */
function reactions(state, { displayName }, { reactions: given = {} }) {
  const byEmoji = grouped(given);
  return [...byEmoji].map(([emoji, accounts]) => {
    const isOwn = accounts.includes(state.account);
    const others = accounts.filter((account) => account !== state.account);
    return { emoji, isOwn, who: [...(isOwn ? ['you'] : []), ...others.map(() => displayName)] };
  });
}

function withDay(item, previous) {
  const isSameDay = previous !== undefined && dayOf(previous.time) === dayOf(item.time);
  const isNear = isSameDay && new Date(item.time) - new Date(previous.time) < TOGETHER_MILLISECONDS;
  const follows = isNear && previous.isOwn === item.isOwn;
  const placed = { ...item, follows };
  if (isSameDay) return [placed];
  return [{ key: `day ${dayOf(item.time)}`, day: item.time }, placed];
}
