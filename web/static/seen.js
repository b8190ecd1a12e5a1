// What was seen of the conversations, on disk (IndexedDB, one database per account): the newest
// messages of those that were used last, to be shown before the server answers, or without it. It
// is a copy: the archive has it all, and what the archive says replaces it. Forgotten, with the kept
// page and the drafts, as soon as nobody is logged in here; the outbox is not.

import { answered, changed, opened } from './indexeddb.js';
import { KEPT } from './window.js';

const STORE = 'conversations';
const DATABASE = 'katydid seen ';
const DRAFTS = 'katydid drafts ';
const MOST_CONVERSATIONS = 100;
const COLLECT_MILLISECONDS = 200;

/** Where an account's drafts are in localStorage. */
export const draftsOf = (account) => DRAFTS + account;

/** Opens what the account has seen; nothing where the browser cannot keep it, or not forget it. */
export async function openSeen(account) {
  try {
    if (!indexedDB.databases) return new Seen(null);
    const makeStore = (database) => database.createObjectStore(STORE, { keyPath: 'peer' });
    return new Seen(await opened(DATABASE + account, makeStore));
  } catch {
    return new Seen(null);
  }
}

class Seen {
  #database;
  #changed = new Set();
  #timer = 0;
  #state = null;

  constructor(database) {
    this.#database = database;
    // Somebody forgets it all; whatever this tab learns from here on is not kept.
    database?.addEventListener('versionchange', () => this.#close());
  }

  /** Put what was kept into the state. */
  async restore(state) {
    if (!this.#database) return;
    const store = this.#database.transaction(STORE).objectStore(STORE);
    for (const { messages, ...kept } of await answered(store.getAll())) state.restore(kept, messages);
  }

  /** Keep from now on what changes in the state. */
  follow(state) {
    this.#state = state;
    state.addEventListener('thread', ({ detail }) => this.#keepSoon(detail.peer));
    document.addEventListener('visibilitychange', () => this.#keep());
  }

  /** The session has ended. */
  async forget() {
    this.#close();
    await forgetSeen();
  }

  /** Forget the copy of the conversations alone, and keep nothing more of them. */
  forgetCopy() {
    const name = this.#database?.name;
    this.#close();
    if (name) indexedDB.deleteDatabase(name);
  }

  #keepSoon(peer) {
    this.#changed.add(peer);
    this.#timer ||= setTimeout(() => this.#keep(), COLLECT_MILLISECONDS);
  }

  async #keep() {
    clearTimeout(this.#timer);
    this.#timer = 0;
    const peers = [...this.#changed];
    this.#changed.clear();
    if (!this.#database || peers.length === 0) return;
    const kept = peers.map((peer) => this.#state.conversation(peer)).filter(isWorthKeeping);
    const work = (store) => kept.forEach((conversation) => store.put(recordOf(conversation)));
    await changed(this.#database, STORE, work).catch(() => {}); // the disk is full; it is a copy
    await this.#dropOldest();
  }

  async #dropOldest() {
    if (!this.#database || this.#state.conversations.size <= MOST_CONVERSATIONS) return;
    const surplus = this.#state.newestFirst.slice(MOST_CONVERSATIONS);
    const work = (store) => surplus.forEach(({ peer }) => store.delete(peer));
    await changed(this.#database, STORE, work).catch(() => {});
  }

  #close() {
    this.#database?.close();
    this.#database = null;
  }
}

const isWorthKeeping = ({ newest, thread }) => newest !== null || thread.lastSeq > 0;

/** As the server's list would say it, with what this tab knows better; nobody is online in it. */
function recordOf(conversation) {
  const { thread, summary } = conversation;
  const messages = thread.messages.slice(-KEPT);
  const quoted = [...conversation.quoted.values()].filter(isQuotedIn(messages));
  return {
    ...summary,
    peer: conversation.peer,
    display_name: conversation.displayName,
    conversation: conversation.conversation,
    last_seq: thread.lastSeq,
    read: conversation.read,
    delivered: conversation.delivered,
    peer_read: conversation.peerRead,
    peer_delivered: conversation.peerDelivered,
    unread: conversation.unread,
    muted: conversation.isMuted,
    archived: conversation.isArchived,
    pinned: conversation.isPinned,
    online: false,
    last_seen_at: conversation.lastSeenAt,
    was_opened: conversation.wasOpened,
    last_message: conversation.newest,
    quoted,
    messages,
  };
}

const isQuotedIn = (messages) => (text) =>
  text && messages.some(({ reply_to: replyTo }) => replyTo === text.seq);

/** Forget all that any account has seen in this browser. */
export async function forgetSeen() {
  const drafts = Object.keys(localStorage).filter((key) => key.startsWith(DRAFTS));
  drafts.forEach((key) => localStorage.removeItem(key));
  const databases = (await globalThis.indexedDB?.databases?.()) ?? [];
  const seen = databases.filter(({ name }) => name.startsWith(DATABASE));
  seen.forEach(({ name }) => indexedDB.deleteDatabase(name));
  await forgetPage();
}

/** Forget the chat page that the service worker has kept: it names the account. */
export async function forgetPage() {
  if (!globalThis.caches) return; // plain http beyond localhost
  for (const name of await caches.keys()) await (await caches.open(name)).delete('/');
}
