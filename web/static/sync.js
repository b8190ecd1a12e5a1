// Keeps the state true to the archive: what the broker tells is merged at once; after each new
// connection the list is fetched, then what was missed; and a gap in `seq` is fetched at any time.

import { account, conversations, messages, persistently } from './api.js';
import { isText } from './changes.js';
import { reachesNewest } from './window.js';

const PAGE = 50;
const CATCH_UP_PAGE = 200;
// Messages that are shown at once: with more, a frame of a slow machine takes over 50 ms.
const PORTION = 25;
// Beyond so many missed messages a conversation starts again from its newest page.
const MOST_MISSED = 1_000;
// Copies may overtake each other; a gap that lasts longer is a loss.
const GAP_MILLISECONDS = 200;
const RELIST_MILLISECONDS = 300;

export class Sync extends EventTarget {
  #state;
  #filling = new Set();
  #loading = new Set();
  #catchingUp = Promise.resolve();
  #relisting = 0;
  #isListed = false;
  /** How much of what was missed is being fetched. */
  running = 0;

  constructor(state, connection) {
    super();
    this.#state = state;
    connection.addEventListener('news', ({ detail }) => this.#take(detail));
    connection.addEventListener('status', ({ detail }) => {
      if (detail.status === 'online') this.catchUp();
    });
  }

  /** Fetch the list, and what was missed in each conversation. */
  async catchUp() {
    const knew = this.#state.lastSeqs;
    const { summaries, askedAt } = await this.#watched(persistently(listed));
    this.#isListed = true;
    if (knewMore(knew, summaries)) return this.#tellOther();
    for (const summary of summaries) {
      this.#state.summarize(summary, askedAt);
      this.#catchUpWith(summary);
    }
  }

  /** Load a first page of the conversation, if it has not been opened before. */
  async opened(peer) {
    const conversation = this.#state.conversation(peer);
    if (!conversation || conversation.wasOpened) return;
    conversation.wasOpened = true;
    await this.loadOlder(peer);
  }

  /** One page of history above what is shown; a second call meanwhile does nothing, but `turned` is
      told in the end. */
  async loadOlder(peer) {
    const conversation = this.#state.conversation(peer);
    if (conversation.shown.isComplete) return;
    const before = conversation.shown.firstSeq || undefined;
    await this.#turnPage(peer, { before }, async ({ messages: found, more }, asOf) => {
      for (const portion of portions(found).reverse()) {
        if (conversation.shown.firstSeq !== portion.at(-1).seq + 1) return;
        this.#state.receiveOlder(peer, portion, asOf);
        await aFrame();
      }
      if (!more) this.#state.noOlder(peer);
    });
  }

  /** One page of history below what is shown, while that is not the newest; tells as above. */
  async loadNewer(peer) {
    const conversation = this.#state.conversation(peer);
    if (reachesNewest(conversation)) {
      this.#state.receiveNewer(peer, [], 0);
      return;
    }
    const after = conversation.past.lastSeq;
    await this.#turnPage(peer, { after }, async ({ messages: found }, asOf) => {
      if (leavesOut(found, after)) this.#state.showNewest(peer); // where the reader was, all is gone
      for (const portion of portions(found)) {
        if (conversation.past?.lastSeq !== portion[0].seq - 1) return;
        this.#state.receiveNewer(peer, portion, asOf);
        await aFrame();
      }
    });
  }

  /** Show history from around a text; answers whether that was possible. */
  async show(peer, seq) {
    const conversation = this.#state.conversation(peer);
    if (conversation.shown.text(seq)) return true;
    if (conversation.thread.text(seq)) this.#state.showNewest(peer);
    if (conversation.shown.text(seq)) return true;
    const asOf = conversation.thread.lastSeq;
    const before = seq + PAGE / 2;
    const page = await messages(peer, { before, limit: PAGE }).catch(() => null);
    if (!page?.messages.some((each) => each.seq === seq)) return false;
    this.#state.showPast(peer, page.messages, asOf);
    return true;
  }

  /** A text that an answer quotes, when it is not among those that are shown. */
  async quote(peer, seq) {
    const name = `quote ${peer} ${seq}`;
    await this.#once(this.#loading, name, async () => {
      const asOf = this.#state.conversation(peer).thread.lastSeq;
      const page = await persistently(() => messages(peer, { before: seq + 1, limit: 1 }));
      const text = page.messages.find((each) => each.seq === seq && isText(each));
      this.#state.receiveQuoted(peer, seq, text ?? null, asOf);
    });
  }

  /** Tells `turned` at its end: where the reader is by then, the next page may be due, and who
      asked for it meanwhile was turned away. */
  async #turnPage(peer, cursor, take) {
    const hasTurned = await this.#once(this.#loading, peer, async () => {
      const asOf = this.#state.conversation(peer).thread.lastSeq;
      await take(await persistently(() => messages(peer, { ...cursor, limit: PAGE })), asOf);
    });
    if (hasTurned) this.dispatchEvent(new Event('turned'));
  }

  /** Do this unless it is being done; answers whether it was. One that fails may be tried again. */
  async #once(underway, name, work) {
    if (underway.has(name)) return false;
    underway.add(name);
    try {
      await work();
    } finally {
      underway.delete(name);
    }
    return true;
  }

  /** Tell how long something that was missed is being fetched. */
  async #watched(work) {
    this.#tell(+1);
    try {
      return await work;
    } finally {
      this.#tell(-1);
    }
  }

  #tell(change) {
    this.running += change;
    this.dispatchEvent(new Event('running'));
  }

  #take({ kind, payload }) {
    if (kind === 'message') this.#takeMessage(payload);
    if (kind === 'receipt') this.#takeReceipt(payload);
    if (kind === 'presence') this.#state.presence(payload);
    if (kind === 'typing') this.#state.typing(payload.from);
  }

  #takeMessage(message) {
    const peer = message.from === this.#state.account ? message.to : message.from;
    const isNew = this.#state.conversation(peer)?.conversation === undefined;
    this.#state.receive(peer, [message]);
    this.#state.conversation(peer).conversation = message.conversation;
    if (isNew) this.#relistSoon();
    this.#watchGap(peer);
  }

  #takeReceipt(receipt) {
    const known = [...this.#state.conversations.values()];
    const found = known.find((each) => each.conversation === receipt.conversation);
    if (found) this.#state.receipt(receipt, found.peer);
  }

  /** A conversation just began: the list knows the peer's name and presence. */
  #relistSoon() {
    clearTimeout(this.#relisting);
    this.#relisting = setTimeout(() => this.catchUp(), RELIST_MILLISECONDS);
  }

  /** The archive is not the one that is known here: it was put back as it was before, or what is
      known last is no longer kept. */
  #tellOther() {
    this.dispatchEvent(new Event('other'));
  }

  #catchUpWith(summary) {
    const conversation = this.#state.conversation(summary.peer);
    const { thread, wasOpened } = conversation;
    if (summary.deleted && !conversation.isErased) return this.#readAnew(summary);
    if (saysOther(thread, summary.last_message)) return this.#tellOther();
    const missed = summary.last_seq - thread.lastSeq;
    if (missed <= 0) return;
    if (wasOpened && missed <= MOST_MISSED) this.#fillSoon(summary.peer);
    else this.#state.restart(summary.peer, newestOf(summary), summary.last_seq);
    this.#watchGap(summary.peer);
  }

  /** Whoever deletes an account may take the texts along, which moves no `seq`. */
  #readAnew(summary) {
    const { peer, last_seq: lastSeq } = summary;
    const conversation = this.#state.conversation(peer);
    conversation.isErased = true;
    conversation.wasOpened = false;
    conversation.quoted.clear();
    this.#state.restart(peer, newestOf(summary), lastSeq);
    if (this.#state.openPeer === peer) this.opened(peer);
  }

  /** Before the first list it is not known whether there is a gap, or only history. */
  #watchGap(peer) {
    const { thread } = this.#state.conversation(peer);
    if (!this.#isListed || !thread.hasGap) return;
    setTimeout(() => thread.hasGap && this.#fill(peer), GAP_MILLISECONDS);
  }

  /** That which is open first; the others one after the other, there may be a hundred of them. */
  #fillSoon(peer) {
    const fill = () => this.#watched(this.#fill(peer));
    if (peer === this.#state.openPeer) fill();
    else this.#catchingUp = this.#catchingUp.then(fill).catch(reportError);
  }

  /** Fetch all that is newer than the run; what comes live meanwhile is merged with it. The last text
      that is known is fetched as well: the archive has to have the same. */
  async #fill(peer) {
    await this.#once(this.#filling, peer, async () => {
      const { thread } = this.#state.conversation(peer);
      const known = thread.last;
      let after = known ? known.seq - 1 : thread.lastSeq;
      let more = true;
      while (more) {
        const asOf = thread.lastSeq;
        const page = await persistently(() => messages(peer, { after, limit: CATCH_UP_PAGE }));
        if (known?.seq === after + 1 && page.messages[0]?.id !== known.id) return this.#tellOther();
        if (leavesOut(page.messages, after))
          this.#state.restart(peer, page.messages, page.messages.at(-1).seq);
        else this.#state.receive(peer, page.messages, asOf);
        after = thread.lastSeq;
        more = page.more;
      }
    });
  }
}

/** Whether more was known of a conversation before the list was asked for than the list has. */
function knewMore(knew, summaries) {
  const listed = new Map(summaries.map(({ peer, last_seq: lastSeq }) => [peer, lastSeq]));
  return [...knew].some(([peer, lastSeq]) => lastSeq > (listed.get(peer) ?? 0));
}

/** Whether the newest text of the list is not the one that is known with its number. */
function saysOther(thread, newest) {
  const known = newest && thread.text(newest.seq);
  return Boolean(known) && known.id !== newest.id;
}

/** Whether the archive no longer has what came right after that. */
const leavesOut = ([first], after) => first !== undefined && first.seq > after + 1;

const newestOf = ({ last_message: last }) => (last ? [last] : []);

function portions(messages) {
  const starts = messages.map((_, index) => index).filter((index) => index % PORTION === 0);
  return starts.map((start) => messages.slice(start, start + PORTION));
}

/** Not requestAnimationFrame, which stands still in the background. */
const aFrame = () => new Promise((resolve) => setTimeout(resolve, 16));

async function listed() {
  const askedAt = performance.now();
  const { conversations: summaries } = await conversations();
  return { summaries, askedAt };
}

/** The account of this name, null when there is none. */
export async function findAccount(name) {
  return account(name).catch((error) => {
    if (error.status === 404) return null;
    throw error;
  });
}
