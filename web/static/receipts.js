// Says how far this account has received and read: `delivered` by the leading tab for all that comes,
// `read` by the tab that shows the conversation while its reader looks at it.

const COLLECT_MILLISECONDS = 50;

export class Receipts {
  #state;
  #connection;
  #collecting = new Map();
  #said = new Map(); // verb and peer → seq, on this connection

  constructor(state, connection) {
    this.#state = state;
    this.#connection = connection;
    state.addEventListener('thread', ({ detail }) => this.#look(detail.peer));
    connection.addEventListener('status', () => this.#said.clear());
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
    else if (!this.#isSaid('delivered', conversation, seq)) this.#deliveredSoon(peer);
  }

  #isBeingRead(peer) {
    const isLookedAt = document.visibilityState === 'visible' && document.hasFocus();
    return peer === this.#state.openPeer && isLookedAt;
  }

  #read(conversation, seq) {
    if (this.#isSaid('read', conversation, seq)) return;
    this.#say('read', conversation, seq);
    this.#state.seeUpTo(conversation.peer, seq);
  }

  /** Messages that come together are answered together. */
  #deliveredSoon(peer) {
    if (this.#collecting.has(peer) || !this.#connection.leads) return;
    const tell = () => {
      this.#collecting.delete(peer);
      const conversation = this.#state.conversation(peer);
      const seq = conversation.newestFromPeer;
      if (!this.#isSaid('delivered', conversation, seq)) this.#say('delivered', conversation, seq);
    };
    this.#collecting.set(peer, setTimeout(tell, COLLECT_MILLISECONDS));
  }

  /** Whether the archive knows it, or was told on this connection. */
  #isSaid(verb, conversation, seq) {
    return seq <= Math.max(conversation[verb], this.#said.get(`${verb} ${conversation.peer}`) ?? 0);
  }

  #say(verb, { peer }, seq) {
    this.#said.set(`${verb} ${peer}`, seq);
    this.#connection.publish(verb, peer, { seq });
  }
}
