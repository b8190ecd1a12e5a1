// The settings page, things: listing them, making one, a new credential, deleting one. Whom each may
// talk with is in own_allowed.js, what it connects with in thing_credential.js.

import * as api from './api.js';
import { lastSeen } from './days.js';
import { editAllowed } from './own_allowed.js';
import { counted, find, onSubmit, orComplain, say } from './saying.js';
import { made, part, write } from './templates.js';
import { showThingCredential } from './thing_credential.js';

const renewDialog = find('renew-dialog');
const deleteDialog = find('delete-thing-dialog');

let chosen = null;

export async function showThings() {
  const { things } = await api.persistently(api.things);
  find('things').replaceChildren(...things.map(line));
  find('no-things').hidden = things.length > 0;
}

function line(thing) {
  const { account, display_name: name, online, allowed } = thing;
  const item = made('thing');
  item.dataset.thing = account;
  write(item, 'name', name);
  part(item, 'online').hidden = !online;
  write(item, 'account', `@${account}`);
  write(item, 'used', used(thing));
  const others = counted(allowed.length, 'other account');
  write(item, 'allowed', allowed.length > 0 ? `talks with you and ${others}` : 'talks with you alone');
  for (const [button, does] of [
    ['edit-allowed', () => editAllowed(thing, showThings)],
    ['renew-thing', () => ask(renewDialog, thing)],
    ['delete-thing', () => ask(deleteDialog, thing)],
  ]) {
    write(item, `${button}-name`, ` ${name}`);
    item.querySelector(`[data-${button}]`).addEventListener('click', does);
  }
  return item;
}

/** A thing that neither announces itself nor asks over HTTP leaves no trace of its use. */
function used({ last_used_at: usedAt, last_seen_at: seenAt }) {
  const at = [usedAt, seenAt].filter(Boolean).sort().at(-1);
  return at ? `last used ${lastSeen(at)}` : 'not seen yet';
}

function ask(dialog, thing) {
  chosen = thing;
  dialog.querySelector('form').reset();
  write(dialog, 'name', thing.display_name);
  part(dialog, 'problem').hidden = true;
  dialog.showModal();
}

onSubmit(find('thing-form'), async () => {
  await orComplain('thing-problem', async () => {
    const name = find('thing-account').value.trim();
    const thing = await api.addThing(name, find('thing-name').value.trim() || undefined);
    find('thing-form').reset();
    showThingCredential(thing.display_name, thing);
    await showThings();
  });
});

onSubmit(renewDialog.querySelector('form'), async () => {
  await orComplain('renew-problem', async () => {
    const credential = await api.renewThing(chosen.account);
    renewDialog.close();
    showThingCredential(chosen.display_name, credential);
  });
});

onSubmit(deleteDialog.querySelector('form'), async (form) => {
  await orComplain('delete-thing-problem', async () => {
    await api.deleteThing(chosen.account, new FormData(form).get('messages'));
    await showThings();
    deleteDialog.close();
    say('things-said', `${chosen.display_name} is deleted.`);
    find('things-title').focus();
  });
});

for (const dialog of [renewDialog, deleteDialog]) {
  dialog.querySelector('[data-keep-thing]').addEventListener('click', () => dialog.close());
}
