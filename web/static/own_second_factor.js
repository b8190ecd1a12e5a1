// The settings page, second factor: setting up an app, new recovery codes, turning it off. Each
// begins with a dialog that asks for the password, and where it is on, for a code; so do the forms
// for a new password and for deleting the account.

import * as api from './api.js';
import { letCopy } from './copying.js';
import { find, onSubmit, orComplain, say } from './saying.js';
import { part, write } from './templates.js';

const proofDialog = find('proof-dialog');
const secretDialog = find('secret-dialog');
const recoveryDialog = find('recovery-dialog');

const TURN_ON = {
  title: 'Turn on the second factor',
  words: 'Have an authenticator app at hand: it shows a code every 30 seconds.',
  button: 'Go on',
  wantsCode: false,
  work: async (password) => showSecret(await api.beginSecondFactor(password)),
};
const RENEW = {
  title: 'New recovery codes',
  words: 'Those that you have are worth nothing any more.',
  button: 'Make new ones',
  wantsCode: true,
  work: async (password, code) => showCodes(await api.renewRecoveryCodes(password, code)),
};
const TURN_OFF = {
  title: 'Turn off the second factor',
  words: 'The password alone is enough again to log in.',
  button: 'Turn off',
  wantsCode: true,
  work: async (password, code) => {
    await api.endSecondFactor(password, code);
    say('second-factor-said', 'The second factor is off.');
  },
};

let proving = null;

export async function showSecondFactor() {
  const { on, recovery_codes_left: left } = await api.persistently(api.secondFactor);
  find('second-factor-state').textContent = on ? `It is on. Recovery codes left: ${left}.` : 'It is off.';
  find('turn-on').hidden = on;
  find('renew-codes').hidden = find('turn-off').hidden = !on;
  for (const field of document.querySelectorAll('[data-code-field]')) {
    field.hidden = !on;
    field.querySelector('input').disabled = !on; // else it would have to be filled in
  }
}

function ask(what) {
  proving = what;
  find('proof-form').reset();
  find('proof-problem').hidden = true;
  say('second-factor-said', '');
  for (const name of ['title', 'words', 'button']) write(proofDialog, name, what[name]);
  part(proofDialog, 'button').classList.toggle('danger', what === TURN_OFF);
  part(proofDialog, 'code-field').hidden = !what.wantsCode;
  part(proofDialog, 'code').disabled = !what.wantsCode; // else it would have to be filled in
  proofDialog.showModal();
}

function showSecret({ secret, qr }) {
  find('secret-form').reset();
  find('secret-problem').hidden = true;
  part(secretDialog, 'qr').src = qr;
  write(secretDialog, 'secret', secret);
  secretDialog.showModal();
}

function showCodes({ recovery_codes: codes }) {
  write(recoveryDialog, 'codes', codes.join('\n'));
  recoveryDialog.showModal();
}

/** The button that opened the dialog may be gone by then. */
async function showAnew() {
  await showSecondFactor();
  find('second-factor-title').focus();
}

onSubmit(find('proof-form'), async () => {
  const [password, code] = ['password', 'code'].map((name) => part(proofDialog, name).value);
  const isDone = await orComplain('proof-problem', () => proving.work(password, code));
  if (!isDone) return;
  proofDialog.close();
  if (!document.querySelector('dialog[open]')) await showAnew();
});

onSubmit(find('secret-form'), async () => {
  await orComplain('secret-problem', async () => {
    showCodes(await api.confirmSecondFactor(part(secretDialog, 'code').value));
    secretDialog.close();
  });
});

for (const dialog of [proofDialog, secretDialog, recoveryDialog]) {
  dialog.querySelector('[data-cancel]').addEventListener('click', () => dialog.close());
  letCopy(dialog);
}
recoveryDialog.addEventListener('close', async () => {
  write(recoveryDialog, 'codes', '');
  await showAnew();
});
find('turn-on').addEventListener('click', () => ask(TURN_ON));
find('renew-codes').addEventListener('click', () => ask(RENEW));
find('turn-off').addEventListener('click', () => ask(TURN_OFF));
