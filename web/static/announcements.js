// Reads out what happened to those who listen to the page instead of looking at it.

import { plain } from './formatting.js';

const region = document.querySelector('[data-announcements]');

/** Read this out, when nothing else is being read. */
export function announce(words) {
  region.textContent = words;
}

/** Read out new messages from now on. */
export function announceMessages(state) {
  state.addEventListener('thread', ({ detail: { peer, arrived } }) => {
    const newest = arrived.findLast(({ from }) => from === peer);
    if (newest && !state.conversation(peer).isMuted)
      announce(`${state.conversation(peer).displayName}: ${plain(newest.text)}`);
  });
}
