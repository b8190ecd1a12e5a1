// The settings page, devices: listing them, adding one, showing how it connects, revoking it or all
// others. A browser's login ends with its device, so the list tells when one is `gone`.

import * as api from './api.js';
import { commands } from './commands.js';
import { letCopy } from './copying.js';
import { lastSeen } from './days.js';
import { counted, find, onSubmit, orComplain, say } from './saying.js';
import { made, part, write } from './templates.js';

const revokeDialog = find('revoke-dialog');
const credentialDialog = find('credential-dialog');
const KINDS = { browser: 'Browser', phone: 'Phone', thing: 'Thing' };

let revoking = null;

export async function showDevices() {
  const { devices } = await api.persistently(api.devices);
  find('devices').replaceChildren(...devices.map(line));
  find('devices').removeAttribute('aria-busy');
  find('revoke-others').hidden = devices.every(({ current }) => current);
}

function line(device) {
  const { name, kind, created_at: createdAt, last_used_at: usedAt, connected, current } = device;
  const item = made('device');
  item.dataset.device = device.device;
  item.dataset.kind = kind;
  write(item, 'name', name);
  write(item, 'kind', KINDS[kind] ?? kind);
  write(item, 'time', lastSeen(createdAt));
  part(item, 'time').dateTime = createdAt;
  part(item, 'current').hidden = !current;
  part(item, 'connected').hidden = !connected;
  write(item, 'used', usedAt ? `last used ${lastSeen(usedAt)}` : 'not seen yet');
  write(item, 'show-name', ` of ${name}`);
  write(item, 'revoke-name', ` ${name}`);
  item.querySelector('[data-show]').hidden = kind === 'browser';
  item.querySelector('[data-show]').addEventListener('click', () => showAgain(device));
  item.querySelector('[data-revoke]').addEventListener('click', () => askToRevoke(device));
  return item;
}

async function add() {
  await orComplain('add-problem', async () => {
    const name = find('add-name').value.trim();
    const { mqtt } = await api.addDevice(name, find('add-kind').value);
    find('add-form').reset();
    showCredential(name, mqtt);
    await showDevices();
  });
}

async function showAgain({ device, name }) {
  await orComplain('devices-problem', async () => {
    const { mqtt } = await api.credential(device);
    showCredential(name, mqtt);
  });
}

function showCredential(name, mqtt) {
  for (const [key, value] of Object.entries({ name, ...mqtt, ...commands(mqtt) })) {
    if (part(credentialDialog, key)) write(credentialDialog, key, String(value));
  }
  credentialDialog.showModal();
}

function askToRevoke(device) {
  revoking = device;
  write(revokeDialog, 'name', device.name);
  const consequence = device.current
    ? 'This is the browser you are using: it is logged out at once.'
    : 'It is cut off at once, and its credential never works again.';
  write(revokeDialog, 'words', consequence);
  part(revokeDialog, 'problem').hidden = true;
  revokeDialog.showModal();
}

async function revokeNow() {
  try {
    await api.removeDevice(revoking.device);
  } catch (error) {
    write(revokeDialog, 'problem', error.message);
    part(revokeDialog, 'problem').hidden = false;
    return;
  }
  revokeDialog.close();
  if (revoking.current) location.assign('/login');
  else await showWhatIsLeft();
}

async function showWhatIsLeft() {
  find('devices').dispatchEvent(new Event('gone'));
  await showDevices();
}

async function revokeOthers() {
  const button = find('revoke-others-now');
  button.disabled = true;
  const isDone = await orComplain('revoke-others-problem', async () => {
    const { revoked } = await api.removeOtherDevices();
    say('devices-said', `${counted(revoked, 'device')} revoked.`);
  });
  button.disabled = false;
  if (isDone) find('revoke-others-dialog').close();
  await showWhatIsLeft();
}

onSubmit(find('add-form'), add);
find('revoke-others').addEventListener('click', () => find('revoke-others-dialog').showModal());
find('keep-others').addEventListener('click', () => find('revoke-others-dialog').close());
find('revoke-others-now').addEventListener('click', revokeOthers);
find('keep').addEventListener('click', () => revokeDialog.close());
find('revoke-now').addEventListener('click', revokeNow);
credentialDialog
  .querySelector('[data-close]')
  .addEventListener('click', () => credentialDialog.close());
letCopy(credentialDialog);
