// Buttons that copy what stands beside them: each names the part of its dialog by data-copy.

import { part } from './templates.js';

/** Let the buttons of the dialog copy, and say so for a moment. */
export function letCopy(dialog) {
  for (const button of dialog.querySelectorAll('[data-copy]')) {
    button.addEventListener('click', () => copy(part(dialog, button.dataset.copy), button));
  }
}

async function copy(source, button) {
  getSelection().selectAllChildren(source);
  // navigator.clipboard does not exist on plain http beyond localhost.
  if (navigator.clipboard) await navigator.clipboard.writeText(source.textContent);
  else document.execCommand('copy');
  const words = button.firstChild;
  words.data = 'Copied';
  setTimeout(() => (words.data = 'Copy'), 2_000);
}
