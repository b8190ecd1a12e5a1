// The settings page, blocked accounts: who they are, and letting one write again.

import * as api from './api.js';
import { find, orComplain, say } from './saying.js';
import { made, write } from './templates.js';

export async function showBlocks() {
  const { blocks } = await api.persistently(api.blocks);
  find('blocks').replaceChildren(...blocks.map(line));
  find('no-blocks').hidden = blocks.length > 0;
}

function line({ account, display_name: name }) {
  const item = made('block');
  write(item, 'name', name);
  write(item, 'account', `@${account}`);
  write(item, 'unblock-name', ` ${name}`);
  item.querySelector('[data-unblock]').addEventListener('click', () => unblock(account, name));
  return item;
}

async function unblock(account, name) {
  await orComplain('blocks-problem', async () => {
    await api.unblock(account);
    await showBlocks();
    say('blocks-said', `${name} can write to you again.`);
    find('blocks-title').focus();
  });
}
