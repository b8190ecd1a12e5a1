// The list of conversations: who, what was said last and when, how much is unread, who is online.

import { said } from './changes.js';
import { shortTime } from './days.js';
import { plain } from './formatting.js';
import { paintedOnceAFrame } from './painting.js';
import { made, paintAvatar, part, write } from './templates.js';

export class ConversationList {
  #state;
  #list = document.querySelector('[data-conversations]');
  #archive = document.querySelector('[data-archive]');
  #archived = document.querySelector('[data-archived]');
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
    const archived = conversations.filter(({ isArchived }) => isArchived);
    this.#show(
      this.#list,
      conversations.filter(({ isArchived }) => !isArchived),
    );
    this.#show(this.#archived, archived);
    this.#archive.hidden = archived.length === 0;
    write(this.#archive, 'count', String(archived.length));
    this.#nothing.hidden = conversations.length > 0;
    const { unreadTotal } = this.#state;
    document.title = unreadTotal > 0 ? `(${unreadTotal}) Katydid` : 'Katydid';
  }

  #show(list, conversations) {
    const lines = conversations.map((conversation) => this.#line(conversation));
    if (lines.some((line, index) => list.children[index] !== line)) arrange(list, lines);
    for (const line of [...list.children].slice(lines.length)) line.remove();
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
    part(line, 'thing').hidden = conversation.kind !== 'thing';
    part(line, 'request').hidden = !this.#state.isRequest(conversation);
    part(line, 'muted').hidden = !conversation.isMuted;
    part(line, 'pinned').hidden = !conversation.isPinned;
    line.dataset.muted = String(conversation.isMuted);
    part(line, 'unread').hidden = unread === 0;
    write(line, 'unread-count', unread > 99 ? '99+' : String(unread));
    line.dataset.unread = String(unread > 0);
    return line;
  }

  #writeLast(line, { peer, newest, isTyping }) {
    const outgoing = this.#state.outgoingTo(peer).at(-1);
    const time = outgoing?.writtenAt ?? newest?.stored_at;
    const isOwn = outgoing !== undefined || newest?.from === this.#state.account;
    const last = newest && said(this.#state.expected(peer, newest));
    const text = plain(outgoing?.text ?? last ?? 'No messages yet');
    line.dataset.typing = String(isTyping);
    write(line, 'last', isTyping ? 'is writing…' : `${isOwn ? 'You: ' : ''}${text}`);
    write(line, 'time', time ? shortTime(time) : '');
  }
}

/** In the new order, without taking the focus from the line that has it. */
function arrange(list, lines) {
  const focused = document.activeElement;
  list.replaceChildren(...lines);
  if (list.contains(focused)) focused.focus();
}

function newLine(peer) {
  const line = made('conversation');
  line.dataset.peer = peer;
  part(line, 'link').href = `#${peer}`;
  return line;
}
