// The list of conversations: who, what was said last and when, how much is unread, who is online.

import { shortTime } from './days.js';
import { paintedOnceAFrame } from './painting.js';
import { made, paintAvatar, part, write } from './templates.js';

const ERASED = 'This message was erased.';

export class ConversationList {
  #state;
  #list = document.querySelector('[data-conversations]');
  #nothing = document.querySelector('[data-no-conversations]');
  #lines = new Map();

  constructor(state) {
    this.#state = state;
    const repaint = paintedOnceAFrame(() => this.#paint());
    for (const event of ['list', 'thread', 'typing', 'open'])
      state.addEventListener(event, repaint);
    setInterval(repaint, 60_000); // “14:05” becomes “Yesterday”
  }

  #paint() {
    const conversations = this.#state.newestFirst;
    const lines = conversations.map((conversation) => this.#line(conversation));
    if (lines.some((line, index) => this.#list.children[index] !== line)) this.#arrange(lines);
    for (const line of [...this.#list.children].slice(lines.length)) line.remove();
    this.#nothing.hidden = lines.length > 0;
    const { unreadTotal } = this.#state;
    document.title = unreadTotal > 0 ? `(${unreadTotal}) Katydid` : 'Katydid';
  }

  /** In the new order, without taking the focus from the line that has it. */
  #arrange(lines) {
    const focused = document.activeElement;
    this.#list.replaceChildren(...lines);
    if (this.#list.contains(focused)) focused.focus();
  }

  #line(conversation) {
    const { peer, displayName, unread, isOnline } = conversation;
    if (!this.#lines.has(peer)) this.#lines.set(peer, newLine(peer));
    const line = this.#lines.get(peer);
    const link = part(line, 'link');
    if (peer === this.#state.openPeer) link.setAttribute('aria-current', 'true');
    else link.removeAttribute('aria-current');
    paintAvatar(part(line, 'avatar'), peer, displayName);
    part(line, 'presence').hidden = !isOnline;
    write(line, 'name', displayName);
    this.#writeLast(line, conversation);
    part(line, 'unread').hidden = unread === 0;
    write(line, 'unread-count', unread > 99 ? '99+' : String(unread));
    line.dataset.unread = String(unread > 0);
    return line;
  }

  #writeLast(line, { peer, thread, isTyping }) {
    const outgoing = this.#state.outgoingTo(peer).at(-1);
    const time = outgoing?.writtenAt ?? thread.last?.stored_at;
    const isOwn = outgoing !== undefined || thread.last?.from === this.#state.account;
    const text = outgoing?.text ?? (thread.last ? thread.last.text || ERASED : 'No messages yet');
    line.dataset.typing = String(isTyping);
    write(line, 'last', isTyping ? 'is writing…' : `${isOwn ? 'You: ' : ''}${text.slice(0, 200)}`);
    write(line, 'time', time ? shortTime(time) : '');
  }
}

function newLine(peer) {
  const line = made('conversation');
  line.dataset.peer = peer;
  part(line, 'link').href = `#${peer}`;
  return line;
}
