// The lines for mosquitto's programs that a device's credential fits into. Pure.

/** A line that sends a message, and one that prints all that comes. */
export function commands(mqtt) {
  const { host, port, username, password, client_id: clientId } = mqtt;
  const who = `-i ${quoted(clientId)} -u ${quoted(username)} -P ${quoted(password)}`;
  const tls = mqtt.tls ? ' --tls-use-os-certs' : '';
  const login = `-V mqttv5 -h ${quoted(host)} -p ${port}${tls} ${who} -q 1`;
  return {
    publish: `mosquitto_pub ${login} -t ${quoted(mqtt.send_topic)} -m 'Hello'`,
    subscribe: `mosquitto_sub ${login} -t ${quoted(mqtt.receive_filter)} -v`,
  };
}

/** As a shell takes it for one word; what needs no quotes gets none. */
function quoted(word) {
  return /^[\w./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
