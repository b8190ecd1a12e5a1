// The chat page: makes its parts and connects them. What each does is told in its own file.

import { Actions } from './actions.js';
import { Address } from './address.js';
import { announceMessages } from './announcements.js';
import { Beginning } from './beginning.js';
import { Blocking } from './blocking.js';
import { Composer } from './composer.js';
import { Connection } from './connection.js';
import { ConversationView } from './conversation.js';
import { ConversationList } from './conversations.js';
import { Device } from './device.js';
import { Drafts } from './drafts.js';
import { Keeping } from './keeping.js';
import { notify } from './notifications.js';
import { openOutbox } from './outbox.js';
import { Preferences } from './preferences.js';
import { Receipts } from './receipts.js';
import { Requests } from './requests.js';
import { Search } from './search.js';
import { openSeen } from './seen.js';
import { Sending } from './sending.js';
import { keepShell } from './shell.js';
import { ChatState } from './state.js';
import { StatusLine } from './status.js';
import { Sync } from './sync.js';

const { account } = document.body.dataset;

const state = new ChatState(account);
const connection = new Connection(account, new Device(account));
const sync = new Sync(state, connection);
const [outbox, seen] = await Promise.all([openOutbox(account), openSeen(account)]);
const sending = new Sending(outbox, state, connection);

new Receipts(state, connection);
new StatusLine(state, connection, sync);
new ConversationList(state);
const conversation = new ConversationView(state, sync, sending);
const address = new Address(state, (seq) => conversation.show(seq));
const drafts = new Drafts(account);
const composer = new Composer(state, connection, sending, drafts, () => conversation.showNewest());
new Actions(state, sending, composer, (seq) => conversation.show(seq));
new Requests(state, new Blocking(state, connection, sync));
new Preferences(state);
new Keeping(state);
new Search(state, (peer, seq) => address.showMessage(peer, seq));
new Beginning(state, (peer) => address.show(peer));
announceMessages(state);
notify(state, connection, address);

// What is shown and kept here is of another archive than the one that answers now.
sync.addEventListener('other', () => {
  seen.forgetCopy();
  location.reload();
});
connection.addEventListener('revoked', () => {
  seen.forget();
  state.clear();
});

await Promise.all([seen.restore(state), sending.reload()]);
seen.follow(state);
address.followIfKnown();
connection.start();
keepShell();
await sync.catchUp();
await address.follow();
