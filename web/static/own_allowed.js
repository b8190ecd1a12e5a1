// The settings page, a dialog for one thing: who may talk with it, besides its owner.

import * as api from './api.js';
import { find, onSubmit, orComplain, say } from './saying.js';
import { made, write } from './templates.js';

const dialog = find('allowed-dialog');

let thing = null;
let isChanged = () => {};

/** Let its owner change who may talk with the thing; `changed` is called after each change. */
export function editAllowed(chosen, changed) {
  thing = chosen;
  isChanged = changed;
  write(dialog, 'name', thing.display_name);
  find('allow-form').reset();
  find('allowed-problem').hidden = true;
  say('allowed-said', '');
  show();
  dialog.showModal();
}

function show() {
  find('allowed-list').replaceChildren(...thing.allowed.map(line));
  find('nobody-allowed').hidden = thing.allowed.length > 0;
}

function line(account) {
  const item = made('allowed');
  write(item, 'account', `@${account}`);
  write(item, 'disallow-name', ` ${account}`);
  item.querySelector('[data-disallow]').addEventListener('click', () => disallow(account));
  return item;
}

async function disallow(account) {
  await orComplain('allowed-problem', async () => {
    await api.disallow(thing.account, account);
    thing.allowed = thing.allowed.filter((each) => each !== account);
    await changed(`${account} may not talk with it any more.`);
  });
}

onSubmit(find('allow-form'), async () => {
  await orComplain('allowed-problem', async () => {
    const account = find('allow-account').value.trim();
    await api.allow(thing.account, account);
    thing.allowed = [...new Set([...thing.allowed, account])].sort();
    find('allow-form').reset();
    await changed(`${account} may talk with it.`);
  });
});

async function changed(words) {
  show();
  say('allowed-said', words);
  find('allow-account').focus();
  await isChanged();
}

dialog.querySelector('[data-close]').addEventListener('click', () => dialog.close());
