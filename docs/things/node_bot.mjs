// A bot that answers, in Node with mqtt.js (npm install mqtt):
//
//   THING='mqtt://…' node node_bot.mjs
//
// An answer's id is made of what it answers: should a message come twice, its answer is stored once.

import mqtt from 'mqtt';

if (!URL.canParse(process.env.THING ?? '')) {
  console.error('THING must be the line under the QR code of the thing: mqtt://…?owner=…');
  process.exit(2);
}
const told = new URL(process.env.THING);
const [name, device] = told.username.split('.');
const up = told.pathname.slice(1);
const isVersion5 = (process.env.MQTT_VERSION ?? '5') === '5';
let connection = newConnection();
const presence = (online) => JSON.stringify({ online, connection });

const client = mqtt.connect(`${told.protocol}//${told.host}`, {
  protocolVersion: isVersion5 ? 5 : 4,
  clientId: told.username,
  username: told.username,
  password: told.password,
  clean: false, // the broker keeps what comes while we are away
  properties: isVersion5 ? { sessionExpiryInterval: 7 * 24 * 3600 } : undefined,
  will: { topic: `${up}/-/presence`, payload: presence(false), qos: 1 },
});

const send = (to, verb, content) =>
  client.publishAsync(`${up}/${to}/${verb}`, JSON.stringify(content), { qos: 1 });

client.on('connect', async () => {
  await client.subscribeAsync(`chat/v1/down/${name}/#`, { qos: 1 });
  await client.publishAsync(`${up}/-/presence`, presence(true), { qos: 1 });
});

client.on('message', async (topic, payload) => {
  const kind = topic.split('/').at(-1);
  const record = JSON.parse(payload);
  if (kind === 'error') console.error(`${record.verb} to ${record.to}: ${record.detail}`);
  if (kind !== 'message' || record.kind !== 'text' || record.from === name) return;
  const { from, seq, text, conversation } = record;
  await send(from, 'read', { seq });
  const answer = { id: `answer-${conversation}-${seq}`, text: `You said: ${text}`, reply_to: seq };
  await send(from, 'send', answer);
});

// Each connection has a name of its own: the late will of an old one then hides no new one.
client.on('close', () => {
  connection = newConnection();
  client.options.will.payload = presence(false);
});

function newConnection() {
  return `${device}-${crypto.randomUUID()}`;
}

client.on('error', (error) => console.error(error.message));
