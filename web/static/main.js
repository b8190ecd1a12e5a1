// The chat page: makes its parts and connects them. What each does is told in its own file.

import { Address } from './address.js';
import { announceMessages } from './announcements.js';
import { Beginning } from './beginning.js';
import { Blocking } from './blocking.js';
import { Composer } from './composer.js';
import { Connection } from './connection.js';
import { ConversationView } from './conversation.js';
import { ConversationList } from './conversations.js';
import { Device } from './device.js';
import { openOutbox } from './outbox.js';
import { Receipts } from './receipts.js';
import { Sending } from './sending.js';
import { ChatState } from './state.js';
import { StatusLine } from './status.js';
import { Sync } from './sync.js';

const { account } = document.body.dataset;

const state = new ChatState(account);
const connection = new Connection(account, new Device(account));
const sync = new Sync(state, connection);
const sending = new Sending(await openOutbox(account), state, connection);
const address = new Address(state);

new Receipts(state, connection);
new StatusLine(connection);
new ConversationList(state);
const conversation = new ConversationView(state, sync, sending);
new Composer(state, connection, sending, () => conversation.showNewest());
new Blocking(state, connection);
new Beginning(state, (peer) => address.show(peer));
announceMessages(state);

await sending.reload();
connection.start();
await sync.catchUp();
await address.follow();
