// All that this tab knows, in one object that sends events; views show it, sync.js and outbox
// sending change it. Events: `list` (conversations, their order or summary), `thread` (messages or
// their states; detail: peer, arrived texts), `settled` (what was in the outbox is archived), `typing`,
// `open`.

import { asOfPage, changedBy, expected, isText, isThere } from './changes.js';
import { Thread } from './thread.js';
import { KEPT, MOST_SHOWN, backToNewest, dropOldest, leaveNewest, takeNewer, takeOlder } from './window.js';

const DAY_MILLISECONDS = 86_400_000;
const TYPING_MILLISECONDS = 6_000;
const MOST_RECENT = 200;

/** One conversation, under the name of its peer. */
class Conversation {
  /** The newest messages. */
  thread = new Thread();
  /** What is shown instead while its reader is far above them (window.js). */
  past = null;
  /** What the server's list said last. */
  summary = {};
  /** Texts that answers quote, by their seq; null for one that cannot be had. */
  quoted = new Map();
  #recent = []; // changes, for the texts that are on their way here
  displayName = '';
  /** Whether the peer is a person or a thing. */
  kind = 'person';
  /** Own cursors, and the peer's, as the archive has them; they move forward only. */
  read = 0;
  delivered = 0;
  peerRead = 0;
  peerDelivered = 0;
  /** Up to which seq its reader has seen it; told to the archive, which may not know it yet. */
  seen = 0;
  unread = 0;
  /** Up to which seq `unread` has been counted. */
  counted = 0;
  /** After which seq its reader went on when it was opened with something new; null without. */
  dividesAfter = null;
  /** How much was new then. */
  newWhenOpened = 0;
  isMuted = false;
  isArchived = false;
  isPinned = false;
  /** When its reader, or a message that brought it back, last changed these three. */
  preferredAt = -Infinity;
  /** For how many days its reader wants messages to be kept, and for how many they are; null is for
      ever. */
  keepDays = null;
  keptDays = null;
  isOnline = false;
  lastSeenAt = null;
  /** Whether nobody can write to the peer any more. */
  isDeleted = false;
  presenceToldAt = -Infinity;
  isTyping = false;
  typingTimer = 0;
  /** Whether its history has been asked for, so that it is kept without gaps. */
  wasOpened = false;

  constructor(peer) {
    this.peer = peer;
    this.displayName = peer;
  }

  /** The messages that are shown: one unbroken run. */
  get shown() {
    return this.past ?? this.thread;
  }

  /** The newest text. */
  get newest() {
    return this.thread.last ?? this.summary.last_message ?? null;
  }

  /** The text of this number, if this tab knows it. */
  text(seq) {
    return this.shown.text(seq) ?? this.thread.text(seq) ?? this.quoted.get(seq);
  }

  /** The newest message of the peer that this tab knows. */
  get newestFromPeer() {
    return this.thread.messages.findLast((message) => message.from === this.peer)?.seq ?? 0;
  }

  /** The peer's messages above `seq`, as far as this tab knows them; what was unsent is none. */
  fromPeerAfter(seq) {
    const counts = ({ from, seq: own, unsent_at: unsentAt }) =>
      from === this.peer && own > seq && !unsentAt;
    return this.thread.messages.filter(counts);
  }

  countUnread() {
    const since = Math.max(this.counted, this.seen);
    const takenBack = ({ kind, from, seq, target }) =>
      kind === 'unsend' && from === this.peer && seq > since && target > this.seen && target <= since;
    const fewer = this.#recent.filter(takenBack).length;
    this.unread = Math.max(0, this.unread + this.fromPeerAfter(since).length - fewer);
    this.counted = Math.max(this.counted, this.thread.lastSeq);
  }

  /** Changes that continue what is known here: whatever shows one of their texts shows it changed. */
  change(changes) {
    this.#recent = [...this.#recent, ...changes].slice(-MOST_RECENT);
    this.#apply(changes);
  }

  /** Texts came that were asked for before the last changes. */
  changeAgain() {
    this.#apply(this.#recent);
  }

  #apply(changes) {
    for (const change of changes) {
      this.thread.change(change);
      this.past?.change(change);
      const quoted = this.quoted.get(change.target);
      if (quoted) this.quoted.set(change.target, changedBy(quoted, change));
      const newest = changedBy(this.summary.last_message, change);
      if (newest !== this.summary.last_message)
        this.summary = { ...this.summary, last_message: newest };
    }
  }

  /** What its reader prefers for it, as the server says. */
  prefer(summary) {
    const { muted = false, archived = false, pinned = false } = summary;
    this.isMuted = muted;
    this.isArchived = archived;
    this.isPinned = pinned;
    this.#keep(summary);
  }

  /** For how long messages are kept here: what is older is not shown either. */
  #keep({ keep_days: keepDays = null, kept_days: keptDays = null }) {
    this.keepDays = keepDays;
    this.keptDays = keptDays;
    if (keptDays === null) return;
    const since = new Date(Date.now() - keptDays * DAY_MILLISECONDS).toISOString();
    const firstKept = this.thread.messages.findIndex(({ stored_at: at }) => at >= since);
    const old = firstKept < 0 ? this.thread.messages.length : firstKept;
    if (old > 0) this.thread.dropOldest(old);
  }

  /** A message brings it back from among those that are put aside. */
  bringBack() {
    if (this.isMuted || !this.isArchived) return;
    this.isArchived = false;
    this.preferredAt = performance.now();
  }

  moveCursors({ read, delivered, peerRead, peerDelivered }) {
    this.read = Math.max(this.read, read ?? 0);
    this.delivered = Math.max(this.delivered, delivered ?? 0);
    this.peerRead = Math.max(this.peerRead, peerRead ?? 0);
    this.peerDelivered = Math.max(this.peerDelivered, peerDelivered ?? 0);
    this.seeUpTo(this.read);
  }

  /** It is being opened; what is new now is old as soon as it is seen. */
  divide() {
    this.newWhenOpened = this.unread;
    this.dividesAfter = this.unread > 0 ? this.seen : null;
  }

  seeUpTo(seq) {
    if (seq <= this.seen) return;
    this.seen = seq;
    this.recountUnread();
  }

  /** Possible as far as all above `seen` is known here; else the server's count stands. */
  recountUnread() {
    const isAllKnown = this.thread.last !== null && this.thread.firstSeq <= this.seen + 1;
    if (isAllKnown) this.unread = this.fromPeerAfter(this.seen).length;
  }
}

/** Whether the list did not know of it yet when it said whether the conversation is archived. */
const isLater = ({ kind, seq }, { summary }) => kind === 'text' && seq > (summary.last_seq ?? 0);

export class ChatState extends EventTarget {
  account;
  conversations = new Map();
  openPeer = null;
  /** What this account wrote or changed and is not archived yet, in that order. */
  outgoing = [];

  constructor(account) {
    super();
    this.account = account;
  }

  /** The conversation with this peer, if this tab knows of one. */
  conversation(peer) {
    return this.conversations.get(peer);
  }

  /** The open conversation. */
  get opened() {
    return this.conversations.get(this.openPeer);
  }

  /** Up to which seq each conversation is known, by its peer. */
  get lastSeqs() {
    return new Map([...this.conversations].map(([peer, { thread }]) => [peer, thread.lastSeq]));
  }

  /** Know and show nothing any more: who is here now need not be whom it was for. */
  clear() {
    this.conversations.clear();
    this.outgoing = [];
    this.openPeer = null;
    this.#tell('open');
    this.#tell('list');
  }

  /** Own messages to this peer that are not archived yet. */
  outgoingTo(peer) {
    return this.outgoing.filter((message) => message.peer === peer && !message.target);
  }

  /** What is to be done to this peer's and own texts and is not archived yet. */
  changesTo(peer) {
    return this.outgoing.filter((message) => message.peer === peer && message.target);
  }

  /** A text as its reader expects it: with the own changes that are on their way. */
  expected(peer, text) {
    const isOfIt = ({ target, problem }) => target === text.seq && !problem;
    const own = this.changesTo(peer).filter(isOfIt);
    return expected(text, own.map((change) => ({ ...change, from: this.account })));
  }

  /** What was to be done to this text, and the bridge refused. */
  refusedChange(peer, seq) {
    return this.changesTo(peer).find(({ target, problem }) => target === seq && problem);
  }

  /** The newest own text that can be edited. */
  lastOwn(peer) {
    const isOwn = (text) => text.from === this.account && isThere(this.expected(peer, text));
    return this.conversation(peer).thread.messages.findLast(isOwn);
  }

  /** Whether the peer waits to be accepted: an answer does so. */
  isRequest({ peer, summary }) {
    return Boolean(summary.request) && !this.lastOwn(peer);
  }

  /** Conversations as a list shows them: those that are pinned, then by their newest messages. */
  get newestFirst() {
    const stamp = ({ peer, newest }) =>
      this.outgoingTo(peer).at(-1)?.writtenAt ?? newest?.stored_at ?? '';
    const shown = [...this.conversations.values()].filter((each) => this.#isShown(each));
    return shown.sort(
      (one, other) => other.isPinned - one.isPinned || (stamp(one) < stamp(other) ? 1 : -1),
    );
  }

  get unreadTotal() {
    const heard = [...this.conversations.values()].filter(({ isMuted }) => !isMuted);
    return heard.reduce((sum, { unread }) => sum + unread, 0);
  }

  /** Make sure of a conversation with this peer; it has no message yet, if it is new. */
  begin(peer, displayName) {
    const conversation = this.conversations.get(peer) ?? new Conversation(peer);
    conversation.displayName = displayName ?? conversation.displayName;
    this.conversations.set(peer, conversation);
    return conversation;
  }

  /** Show this conversation, or none. */
  open(peer) {
    if (peer === this.openPeer) return;
    if (this.opened) backToNewest(this.opened);
    this.openPeer = peer;
    this.opened?.divide();
    this.#tell('open');
  }

  /**
   * Take over what the server's list says of a conversation, but not its messages. What was told
   * since the list was asked for (`askedAt`, by the clock of `performance`) is newer, and stays.
   */
  summarize(summary, askedAt) {
    const conversation = this.begin(summary.peer, summary.display_name);
    const [newest = null] = asOfPage([summary.last_message].filter(Boolean), summary.last_seq);
    conversation.summary = { ...summary, last_message: newest };
    conversation.changeAgain();
    conversation.conversation = summary.conversation;
    conversation.kind = summary.kind ?? 'person';
    if (conversation.preferredAt < askedAt) conversation.prefer(summary);
    conversation.moveCursors({
      read: summary.read,
      delivered: summary.delivered,
      peerRead: summary.peer_read,
      peerDelivered: summary.peer_delivered,
    });
    conversation.unread = summary.unread;
    conversation.counted = summary.last_seq;
    conversation.countUnread();
    if (conversation.seen > summary.read) conversation.recountUnread();
    conversation.isDeleted = summary.deleted;
    if (conversation.presenceToldAt < askedAt) {
      conversation.isOnline = summary.online;
      conversation.lastSeenAt = summary.last_seen_at;
    }
    this.#tell('list');
    this.#tell('thread', { peer: summary.peer, arrived: [] });
  }

  /** Take over what the server answered to a preference; a list that was asked for before knows
      nothing of it. */
  prefer(summary, askedAt) {
    const conversation = this.begin(summary.peer);
    conversation.prefer(summary);
    conversation.preferredAt = performance.now();
    this.summarize(summary, askedAt);
  }

  /** Merge rows of one conversation, whether they were told, or fetched with all that was done to
      them up to `asOf` at least. */
  receive(peer, rows, asOf = 0) {
    const conversation = this.begin(peer);
    const newer = conversation.thread.merge(asOfPage(rows, asOf));
    conversation.change(newer.filter((row) => !isText(row)));
    this.#takeIn(conversation, rows, newer.filter(isText));
  }

  /** Take over what was kept of a conversation when it was seen last. */
  restore({ was_opened: wasOpened, quoted = [], ...kept }, messages) {
    const summary = { ...kept, last_message: kept.last_message ?? messages.at(-1) };
    const conversation = this.begin(summary.peer, summary.display_name);
    conversation.thread.restart(messages, summary.last_seq);
    conversation.wasOpened = wasOpened;
    for (const text of quoted) conversation.quoted.set(text.seq, text);
    this.summarize(summary, 0);
  }

  /** Merge older messages, which continue what is shown. */
  receiveOlder(peer, messages, asOf) {
    const conversation = this.conversation(peer);
    takeOlder(conversation, asOfPage(messages, asOf));
    this.#takeIn(conversation, messages, []);
  }

  /** Merge newer messages, which continue what is shown, on the way back to the newest. */
  receiveNewer(peer, messages, asOf) {
    const conversation = this.conversation(peer);
    takeNewer(conversation, asOfPage(messages, asOf));
    this.#takeIn(conversation, messages, []);
  }

  /** Show the newest messages, wherever in the history the reader was. */
  showNewest(peer) {
    const conversation = this.conversation(peer);
    if (!conversation.past) return;
    backToNewest(conversation);
    this.#tell('thread', { peer, arrived: [] });
  }

  /** Hold no more than what is shown: the newest, if the reader follows them. */
  bound(conversation, { follows }) {
    if (conversation.shown.messages.length <= MOST_SHOWN) return;
    if (follows) dropOldest(conversation.thread, MOST_SHOWN);
    else leaveNewest(conversation);
  }

  /** Show this unbroken run of history. */
  showPast(peer, messages, asOf) {
    const conversation = this.conversation(peer);
    conversation.past = new Thread();
    conversation.past.restart(asOfPage(messages, asOf));
    this.#takeIn(conversation, messages, []);
  }

  /** A text that an answer quotes; null when it cannot be had. */
  receiveQuoted(peer, seq, text, asOf) {
    const conversation = this.conversation(peer);
    conversation.quoted.set(seq, text && asOfPage([text], asOf)[0]);
    this.#takeIn(conversation, [], []);
  }

  /** Forget what is known of the conversation and go on from this unbroken run, which reaches up to
      `lastSeq`. */
  restart(peer, messages, lastSeq) {
    const conversation = this.begin(peer);
    conversation.past = null;
    const newer = conversation.thread.restart(asOfPage(messages, lastSeq), lastSeq);
    conversation.change(newer.filter((row) => !isText(row)));
    this.#takeIn(conversation, messages, []);
  }

  /** History has no more. */
  noOlder(peer) {
    this.conversation(peer).shown.isComplete = true;
    this.#tell('thread', { peer, arrived: [] });
  }

  /** Someone has received or read up to here: the peer, or this account on any of its devices. */
  receipt({ account, delivered, read }, peer) {
    const isOwn = account === this.account;
    this.conversation(peer).moveCursors(
      isOwn ? { read, delivered } : { peerRead: read, peerDelivered: delivered },
    );
    this.#tell('list');
    this.#tell('thread', { peer, arrived: [] });
  }

  /** The reader has seen the conversation up to here, before anybody else knows it. */
  seeUpTo(peer, seq) {
    this.conversation(peer).seeUpTo(seq);
    this.#tell('list');
  }

  presence({ account, online, last_seen_at: lastSeenAt }) {
    const conversation = this.conversation(account);
    if (!conversation) return;
    conversation.isOnline = online;
    conversation.lastSeenAt = lastSeenAt;
    conversation.presenceToldAt = performance.now();
    if (!online) this.#stopTyping(conversation);
    this.#tell('list');
  }

  /** The peer is writing; believed for a few seconds. */
  typing(peer) {
    const conversation = this.conversation(peer);
    if (!conversation) return;
    clearTimeout(conversation.typingTimer);
    conversation.typingTimer = setTimeout(
      () => this.#stopTyping(conversation),
      TYPING_MILLISECONDS,
    );
    conversation.isTyping = true;
    this.#tell('typing');
  }

  /** The outbox changed. What is archived already is on its way out of it. */
  setOutgoing(messages) {
    const isSettled = ({ peer, id }) => this.conversation(peer)?.thread.has(this.account, id);
    const peers = new Set([...this.outgoing, ...messages].map(({ peer }) => peer));
    this.outgoing = messages.filter((message) => !isSettled(message));
    for (const peer of peers) {
      this.begin(peer);
      this.#tell('thread', { peer, arrived: [] });
    }
    this.#tell('list');
  }

  #takeIn(conversation, messages, arrived) {
    const { peer } = conversation;
    const settled = messages.filter(({ from }) => from === this.account).map(({ id }) => id);
    this.outgoing = this.outgoing.filter(
      (each) => each.peer !== peer || !settled.includes(each.id),
    );
    conversation.changeAgain();
    if (arrived.some(({ from }) => from === peer)) this.#stopTyping(conversation);
    conversation.countUnread();
    if (arrived.some((each) => isLater(each, conversation))) conversation.bringBack();
    const isShut = peer !== this.openPeer && conversation.thread.messages.length > 2 * KEPT;
    if (isShut) dropOldest(conversation.thread, KEPT);
    if (settled.length > 0) this.#tell('settled', { ids: settled });
    this.#tell('list');
    this.#tell('thread', { peer, arrived });
  }

  #stopTyping(conversation) {
    clearTimeout(conversation.typingTimer);
    if (!conversation.isTyping) return;
    conversation.isTyping = false;
    this.#tell('typing');
  }

  /** One that was begun and left without a word is not listed; one of which nothing is kept is. */
  #isShown({ peer, newest, thread }) {
    const wasBegun = newest !== null || thread.lastSeq > 0;
    return wasBegun || peer === this.openPeer || this.outgoingTo(peer).length > 0;
  }

  #tell(type, detail = {}) {
    this.dispatchEvent(new CustomEvent(type, { detail }));
  }
}
