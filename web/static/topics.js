// The topics of the public contract, as far as a device needs them. Built from what the server told
// this device, so that shard and version stand in no other place of the browser's code.

const NOBODY = '-';

/** Where to publish `verb` for `to`, given the device's own `send_topic`. */
export function up(sendTopic, to, verb) {
  return sendTopic.replace('{to}', to).replace(/send$/, verb);
}

/** Where a connection says that it is there, and where its Last Will says that it is gone. */
export function presence(sendTopic) {
  return up(sendTopic, NOBODY, 'presence');
}

/** What kind of news came down: message, receipt, typing, presence, history or error. */
export function kindOf(topic) {
  return topic.slice(topic.lastIndexOf('/') + 1);
}
