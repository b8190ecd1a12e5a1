// The settings page, deleting the account: what it means, the choice about its messages, the
// password, and a code where there is a second factor; and then what was erased. What this browser
// keeps of the account is erased too.

import * as api from './api.js';
import { counted, find, onSubmit, orComplain } from './saying.js';

const { account } = document.body.dataset;
const dialog = find('deletion-dialog');

find('delete').addEventListener('click', () => {
  find('deletion-form').reset();
  find('deletion-problem').hidden = true;
  dialog.showModal();
});
find('keep-account').addEventListener('click', () => dialog.close());

onSubmit(find('deletion-form'), async () => {
  await orComplain('deletion-problem', async () => {
    const messages = new FormData(find('deletion-form')).get('messages');
    const code = find('deletion-code').value || undefined;
    const answer = await api.deleteAccount(find('deletion-password').value, messages, code);
    await forgetHere();
    find('deletion-form').hidden = true;
    find('deleted').hidden = false;
    find('deleted-what').textContent = told(answer);
    find('deleted-title').focus();
    dialog.addEventListener('close', leave);
  });
});

/** What was erased, in a sentence. */
function told({ messages, finished, erased }) {
  const parts = [
    counted(erased.devices, 'device'),
    counted(erased.blocks, 'block'),
    counted(erased.invitations, 'invitation'),
    counted(erased.things, 'thing'),
  ];
  if (messages === 'erase') parts.unshift(counted(erased.messages, 'message'));
  const rest = finished ? '' : ' The rest is being erased now, whether or not you stay here.';
  const kept = messages === 'keep' ? ' Others keep the messages that you wrote to them.' : '';
  return `Erased: your name, your password, ${parts.join(', ')}.${rest}${kept}`;
}

/** Messages that were not sent yet lie in this browser. */
async function forgetHere() {
  const databases = (await indexedDB.databases?.().catch(() => [])) ?? [];
  for (const { name } of databases) {
    if (name === `katydid ${account}` || name.startsWith(`katydid ${account} `))
      indexedDB.deleteDatabase(name);
  }
}

function leave() {
  location.assign('/login');
}

find('leave').addEventListener('click', leave);
