// How much of a conversation is held in memory and in the document, however long it is: a window of
// a few hundred messages that slides with the reader. The newest messages are always held besides,
// since what comes live is added to them. Pure data; who fetches what is sync.js.

import { Thread } from './thread.js';

/** So many messages are shown at most; what lies further off is fetched again when it is needed. */
export const MOST_SHOWN = 400;
/** So many of the newest are held of a conversation that nobody looks at, and kept on disk. */
export const KEPT = 100;

/** Take in older messages, which continue what is shown; what is furthest below is let go. */
export function takeOlder(conversation, messages) {
  conversation.shown.merge(messages);
  if (conversation.shown.messages.length <= MOST_SHOWN) return;
  leaveNewest(conversation);
  conversation.past.dropNewest(conversation.past.messages.length - MOST_SHOWN);
}

/** Take in newer messages on the way back down; what is furthest above is let go. */
export function takeNewer(conversation, messages) {
  const { past, thread } = conversation;
  past.merge(messages);
  if (reachesNewest(conversation)) {
    thread.join(past);
    conversation.past = null;
  }
  dropOldest(conversation.shown, MOST_SHOWN);
}

/** Whether nothing lies between what is shown and the newest messages that are held. */
export const reachesNewest = ({ past, thread }) => past.lastSeq >= thread.firstSeq - 1;

/** Much has come while the reader was further up: what is shown stays as it is, without the rest. */
export function leaveNewest(conversation) {
  if (conversation.past) return;
  const { thread } = conversation;
  conversation.past = new Thread();
  conversation.past.restart(thread.messages, thread.lastSeq);
  conversation.past.isComplete = thread.isComplete;
  dropOldest(thread, KEPT);
}

/** Show the newest messages again, or nothing: the reader is not further up any more. */
export function backToNewest(conversation) {
  conversation.past = null;
  dropOldest(conversation.thread, KEPT);
}

/** Hold so many at most of a conversation whose newest messages alone matter. */
export function dropOldest(thread, most) {
  if (thread.messages.length > most) thread.dropOldest(thread.messages.length - most);
}
