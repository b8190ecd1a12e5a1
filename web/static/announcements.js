// Reads out what happened to those who listen to the page instead of looking at it.

import { plain } from './formatting.js';

const NOTE_MILLISECONDS = 3_000;

const region = document.querySelector('[data-announcements]');
const shown = document.querySelector('[data-note]');
let timer = 0;

/** Read this out, when nothing else is being read. */
export function announce(words) {
  region.textContent = words;
}

/** Show this for a moment, and read it out. */
export function note(words) {
  announce(words);
  shown.textContent = words;
  shown.hidden = false;
  clearTimeout(timer);
  timer = setTimeout(() => {
    shown.hidden = true;
  }, NOTE_MILLISECONDS);
}

/** Read out new messages from now on. */
export function announceMessages(state) {
  state.addEventListener('thread', ({ detail: { peer, arrived } }) => {
    const newest = arrived.findLast(({ from }) => from === peer);
    if (newest && !state.conversation(peer).isMuted)
      announce(`${state.conversation(peer).displayName}: ${plain(newest.text)}`);
  });
}
