// Long messages show their beginning and a button for the rest. Decided by the text alone, so that
// nothing needs to be measured, and kept by the element for as long as it is shown.

import { part } from './templates.js';

const MOST_CHARACTERS = 1_500;
const MOST_LINES = 24;

/** Whether a text is folded at first. Pure. */
export function isLong(text) {
  return text.length > MOST_CHARACTERS || text.split('\n', MOST_LINES + 1).length > MOST_LINES;
}

/** Fold a message's element whose text is long now, and leave others whole. */
export function foldIfLong(element, text) {
  const [shown, button] = [part(element, 'text'), part(element, 'more')];
  button.hidden = !isLong(text);
  fold(shown, button, !button.hidden);
  if (element.dataset.folds) return;
  element.dataset.folds = ''; // it listens already
  button.addEventListener('click', () => fold(shown, button, shown.dataset.folded !== 'true'));
  shown.addEventListener('focusin', () => fold(shown, button, false)); // a link in the hidden part
}

function fold(shown, button, isFolded) {
  shown.dataset.folded = String(isFolded);
  button.setAttribute('aria-expanded', String(!isFolded));
  button.textContent = isFolded ? 'Show more' : 'Show less';
}
