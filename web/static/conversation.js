// The open conversation: its head, its messages, and where the reader is in them. New messages keep
// the newest in view for who is there, and do not move the page for who reads further up.

import { lastSeen } from './days.js';
import { withDivider } from './divider.js';
import { items } from './items.js';
import { MessageElements } from './messages.js';
import { paintedOnceAFrame } from './painting.js';
import { Roving } from './roving.js';
import { paintAvatar, part, write } from './templates.js';

const AT_BOTTOM_PIXELS = 60;
const LOAD_AHEAD_PIXELS = 1_500;
const FOUND_MILLISECONDS = 3_000;

export class ConversationView {
  #state;
  #sync;
  #pane = document.querySelector('[data-conversation]');
  #scroller = document.querySelector('[data-scroller]');
  #elements = new MessageElements(document.querySelector('[data-messages]'));
  #roving = new Roving(document.querySelector('[data-messages]'));
  #jump = document.querySelector('[data-jump]');
  #unread = document.querySelector('[data-jump-unread]');
  #unreadAbove = 0; // what was new when it was opened, until its beginning was seen
  #follows = true; // the newest message is in view, and is to stay there
  #keptTop = 0; // where it was put for that
  #unseen = 0;
  #shownPeer = null;

  constructor(state, sync, sending) {
    this.#state = state;
    this.#sync = sync;
    const repaint = paintedOnceAFrame(() => this.#paint());
    state.addEventListener('open', () => this.#open());
    state.addEventListener('list', repaint);
    state.addEventListener('typing', repaint);
    sync.addEventListener('turned', () => this.#loadAhead()); // the reader may be at the end of it
    state.addEventListener('thread', ({ detail }) => {
      if (detail.peer !== state.openPeer) return;
      this.#countUnseen(detail.arrived);
      repaint();
    });
    this.#scroller.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    this.#jump.addEventListener('click', () => {
      this.showNewest();
      this.#scroller.focus({ preventScroll: true }); // the button goes
    });
    this.#unread.addEventListener('click', () => this.#showUnread());
    new ResizeObserver(() => this.#keepPlace()).observe(this.#scroller);
    this.#pane.addEventListener('click', ({ target }) => onProblemButton(target, sending));
  }

  /** Show the newest message, and stay with it. */
  showNewest() {
    this.#follows = true;
    this.#keptTop = 0;
    this.#state.showNewest(this.#shownPeer);
    this.#keepPlace();
    this.#scrolled();
  }

  /** Show this message of the open conversation, wherever in its history it is. */
  async show(seq) {
    const peer = this.#shownPeer;
    if (!(await this.#sync.show(peer, seq)) || peer !== this.#shownPeer) return;
    this.#follows = false;
    this.#paint();
    const element = this.#elements.of(seq);
    if (!element) return;
    element.scrollIntoView({ block: 'center' });
    element.querySelector('[data-act]')?.focus({ preventScroll: true });
    element.dataset.found = '';
    setTimeout(() => delete element.dataset.found, FOUND_MILLISECONDS);
  }

  async #showUnread() {
    this.#unreadAbove = 0;
    this.#unread.hidden = true;
    await this.show(this.#state.opened.dividesAfter + 1);
    // What is new need not come right after what was read: own messages may stand between.
    this.#pane.querySelector('[data-divider]')?.scrollIntoView({ block: 'center' });
  }

  #open() {
    const { openPeer } = this.#state;
    document.body.dataset.screen = openPeer ? 'conversation' : 'list';
    if (openPeer !== this.#shownPeer) this.#elements.clear();
    this.#shownPeer = openPeer;
    this.#unseen = 0;
    this.#unreadAbove = this.#state.opened?.newWhenOpened ?? 0;
    this.#follows = true;
    this.#keptTop = 0;
    this.#paint();
    if (openPeer) this.#sync.opened(openPeer);
  }

  #paint() {
    const { opened } = this.#state;
    this.#pane.dataset.isOpen = String(Boolean(opened));
    if (!opened) return;
    this.#paintHead(opened);
    if (this.#hasJustScrolledUp()) this.#follows = false;
    this.#state.bound(opened, { follows: this.#follows });
    const shown = items(this.#state, opened);
    const anchor = this.#anchor();
    const focused = document.activeElement;
    this.#elements.show(withDivider(shown, opened));
    this.#roving.update();
    for (const { quote } of shown) if (quote?.isUnknown) this.#sync.quote(opened.peer, quote.seq);
    // What had the focus may have slid out of the window.
    if (!focused.isConnected) this.#scroller.focus({ preventScroll: true });
    this.#keepPlace(anchor);
    this.#paintJump();
    this.#paintUnread();
    this.#loadAhead();
  }

  #paintHead({ peer, displayName, isTyping, isOnline, lastSeenAt, isDeleted }) {
    paintAvatar(part(this.#pane, 'avatar'), peer, displayName);
    write(this.#pane, 'name', displayName);
    const seen = lastSeenAt ? `last seen ${lastSeen(lastSeenAt)}` : `@${peer}`;
    write(this.#pane, 'presence', isTyping ? 'is writing…' : isOnline ? 'online' : seen);
    this.#pane.dataset.deleted = String(isDeleted);
    this.#pane.dataset.typing = String(isTyping);
    this.#pane.dataset.online = String(isOnline);
  }

  #countUnseen(arrived) {
    if (!this.#follows) {
      this.#unseen += arrived.filter(({ from }) => from !== this.#state.account).length;
    }
  }

  #paintJump() {
    this.#jump.hidden = this.#follows;
    const words = this.#unseen === 1 ? '1 new message' : `${this.#unseen} new messages`;
    write(this.#jump, 'words', this.#unseen > 0 ? words : 'Newest messages');
    this.#jump.dataset.unseen = String(this.#unseen > 0);
  }

  /** Offered as long as the first of what was new is further up. */
  #paintUnread() {
    const { opened } = this.#state;
    const divider = this.#scroller.querySelector('[data-divider]');
    const isLoaded = divider !== null || opened.shown.messages.length > 1;
    if (divider && divider.offsetTop >= this.#scroller.scrollTop) this.#unreadAbove = 0;
    this.#unread.hidden = this.#unreadAbove === 0 || opened.dividesAfter === null || !isLoaded;
    const words = this.#unreadAbove === 1 ? '1 unread message' : `${this.#unreadAbove} unread messages`;
    write(this.#unread, 'words', words);
  }

  /** The topmost message in view and where it stands, to put it there again. */
  #anchor() {
    if (this.#follows) return null;
    const { scrollTop } = this.#scroller;
    const messages = this.#scroller.querySelectorAll('[data-message]');
    const element = [...messages].find((each) => each.offsetTop + each.offsetHeight > scrollTop);
    return element && { element, offset: element.offsetTop - scrollTop };
  }

  #keepPlace(anchor) {
    if (this.#follows) {
      this.#scroller.scrollTop = this.#scroller.scrollHeight;
      this.#keptTop = this.#scroller.scrollTop;
    } else if (anchor) this.#scroller.scrollTop = anchor.element.offsetTop - anchor.offset;
  }

  get #isAtBottom() {
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    const isNewestShown = !this.#state.opened?.past;
    return isNewestShown && scrollHeight - scrollTop - clientHeight < AT_BOTTOM_PIXELS;
  }

  /** The browser tells of a scroll only with its next frame; a message that comes before that must
      not undo it. */
  #hasJustScrolledUp() {
    return this.#scroller.scrollTop < this.#keptTop && !this.#isAtBottom;
  }

  #scrolled() {
    this.#follows = this.#isAtBottom;
    if (this.#follows) this.#unseen = 0;
    this.#paintJump();
    if (this.#state.opened) this.#paintUnread();
    this.#loadAhead();
  }

  #loadAhead() {
    const { opened } = this.#state;
    if (!opened?.wasOpened) return;
    const { scrollHeight, scrollTop, clientHeight } = this.#scroller;
    if (scrollTop < LOAD_AHEAD_PIXELS) this.#sync.loadOlder(opened.peer);
    const below = scrollHeight - scrollTop - clientHeight;
    if (opened.past && below < LOAD_AHEAD_PIXELS) this.#sync.loadNewer(opened.peer);
  }
}

/** The writer of a refused message decides what becomes of it. */
function onProblemButton(target, sending) {
  const id = target.closest('[data-problem]')?.dataset.problem;
  if (target.closest('[data-retry]')) sending.retry(id);
  if (target.closest('[data-discard]')) sending.discard(id);
}
