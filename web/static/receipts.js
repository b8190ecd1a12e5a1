// Says how far this account has received and read: `delivered` by the leading tab for all that comes,
// `read` by the tab that shows the conversation while its reader looks at it.

const COLLECT_MILLISECONDS = 50;

export class Receipts {
  #state;
  #connection;
  #collecting = new Map();

  constructor(state, connection) {
    this.#state = state;
    this.#connection = connection;
    state.addEventListener('thread', ({ detail }) => this.#look(detail.peer));
    const lookAtOpened = () => state.openPeer && this.#look(state.openPeer);
    state.addEventListener('open', lookAtOpened);
    window.addEventListener('focus', lookAtOpened);
    document.addEventListener('visibilitychange', lookAtOpened);
  }

  #look(peer) {
    const conversation = this.#state.conversation(peer);
    if (!conversation || this.#connection.status !== 'online') return;
    const seq = conversation.newestFromPeer;
    if (this.#isBeingRead(peer)) this.#read(conversation, seq);
    else if (seq > conversation.delivered) this.#deliveredSoon(peer);
  }

  #isBeingRead(peer) {
    const isLookedAt = document.visibilityState === 'visible' && document.hasFocus();
    return peer === this.#state.openPeer && isLookedAt;
  }

  #read(conversation, seq) {
    if (seq <= conversation.read) return;
    this.#connection.publish('read', conversation.peer, { seq });
    const { account } = this.#state;
    this.#state.receipt({ account, delivered: seq, read: seq }, conversation.peer);
  }

  /** Messages that come together are answered together. */
  #deliveredSoon(peer) {
    if (this.#collecting.has(peer) || !this.#connection.leads) return;
    const tell = () => {
      this.#collecting.delete(peer);
      this.#delivered(this.#state.conversation(peer));
    };
    this.#collecting.set(peer, setTimeout(tell, COLLECT_MILLISECONDS));
  }

  #delivered(conversation) {
    const seq = conversation.newestFromPeer;
    if (seq <= conversation.delivered) return;
    this.#connection.publish('delivered', conversation.peer, { seq });
    conversation.delivered = seq;
  }
}
