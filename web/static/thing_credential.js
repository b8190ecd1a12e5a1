// The settings page, a dialog: what a thing connects with, as a QR code and as ready lines for
// programs. It is shown this once; when it is closed, the page has forgotten it.

import { commands, programs } from './commands.js';
import { letCopy } from './copying.js';
import { find } from './saying.js';
import { part, write } from './templates.js';

const dialog = find('thing-dialog');
const { account: owner } = document.body.dataset;

/** Show the credential of the thing that is called so. */
export function showThingCredential(name, { mqtt, url, qr }) {
  const told = { name, url, ...mqtt, ...commands(mqtt, owner), ...programs(mqtt, owner) };
  for (const [key, value] of Object.entries(told)) {
    if (part(dialog, key)) write(dialog, key, String(value));
  }
  part(dialog, 'qr').src = qr;
  for (const details of dialog.querySelectorAll('details')) details.open = false;
  dialog.showModal();
  dialog.scrollTop = 0;
}

dialog.addEventListener('close', () => {
  for (const written of dialog.querySelectorAll('[data-part]:not(img)')) written.textContent = '';
  part(dialog, 'qr').removeAttribute('src');
});
dialog.querySelector('[data-close]').addEventListener('click', () => dialog.close());
letCopy(dialog);
