// Long messages show their beginning and a button for the rest. Decided by the text alone, so that
// nothing needs to be measured, and kept by the element for as long as it is shown.

import { optionalPart, part } from './templates.js';

const MOST_CHARACTERS = 1_500;
const MOST_LINES = 24;

/** Whether a text is folded at first. Pure. */
export function isLong(text) {
  return text.length > MOST_CHARACTERS || text.split('\n', MOST_LINES + 1).length > MOST_LINES;
}

/** Fold a message's element whose text is long now, and leave others whole. */
export function foldIfLong(element, text) {
  const put = (button) => {
    part(element, 'text').after(button);
    button.addEventListener('click', () => fold(element, !isFolded(element)));
    // A link in the hidden part has the focus.
    part(element, 'text').addEventListener('focusin', () => fold(element, false));
  };
  if (optionalPart(element, 'more', isLong(text), put)) fold(element, true);
  else delete part(element, 'text').dataset.folded;
}

const isFolded = (element) => part(element, 'text').dataset.folded === 'true';

function fold(element, isToBe) {
  const button = part(element, 'more');
  if (!button) return;
  part(element, 'text').dataset.folded = String(isToBe);
  button.setAttribute('aria-expanded', String(!isToBe));
  button.textContent = isToBe ? 'Show more' : 'Show less';
}
