// The lines for mosquitto's programs, and the small programs, that a credential fits into. Pure.

/** A line that sends a message, to whoever is given, and one that prints all that comes. */
export function commands(mqtt, to) {
  const { host, port, username, password, client_id: clientId } = mqtt;
  const who = `-i ${quoted(clientId)} -u ${quoted(username)} -P ${quoted(password)}`;
  const tls = mqtt.tls ? ' --tls-use-os-certs' : '';
  const login = `-V mqttv5 -h ${quoted(host)} -p ${port}${tls} ${who} -q 1`;
  const topic = to ? mqtt.send_topic.replace('{to}', to) : mqtt.send_topic;
  return {
    publish: `mosquitto_pub ${login} -t ${quoted(topic)} -m 'Hello'`,
    subscribe: `mosquitto_sub ${login} -t ${quoted(mqtt.receive_filter)} -v`,
  };
}

/** The same as programs that send one message when they are connected, and print what comes. */
export function programs(mqtt, to) {
  const told = { ...mqtt, topic: mqtt.send_topic.replace('{to}', to) };
  return { python: python(told), micropython: micropython(told), node: node(told) };
}

const python = (mqtt) => `import paho.mqtt.client as mqtt

def connected(client, userdata, flags, reason_code, properties):
    client.subscribe("${mqtt.receive_filter}", qos=1)
    client.publish("${mqtt.topic}", "Hello", qos=1)

client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, "${mqtt.client_id}", protocol=mqtt.MQTTv5)
client.username_pw_set("${mqtt.username}", "${mqtt.password}")
${mqtt.tls ? 'client.tls_set()\n' : ''}client.on_connect = connected
client.on_message = lambda client, userdata, message: print(message.payload.decode(), flush=True)
client.connect("${mqtt.host}", ${mqtt.port})
client.loop_forever()
`;

// A board trusts nobody by itself: the authority of the server's certificate has to be put on it.
const BOARD_TLS = `import ssl

context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
context.load_verify_locations(cafile="authority.pem")
`;

const micropython = (mqtt) => `from umqtt.simple import MQTTClient
${mqtt.tls ? BOARD_TLS : ''}
client = MQTTClient(
    "${mqtt.client_id}",
    "${mqtt.host}",
    port=${mqtt.port},
    user="${mqtt.username}",
    password="${mqtt.password}",${mqtt.tls ? '\n    ssl=context,' : ''}
)
client.set_callback(lambda topic, message: print(message.decode()))
client.connect()
client.subscribe(b"${mqtt.receive_filter}", qos=1)
client.publish(b"${mqtt.topic}", b"Hello", qos=1)
while True:
    client.wait_msg()
`;

const node = (mqtt) => `import mqtt from 'mqtt';

const client = mqtt.connect('${mqtt.tls ? 'mqtts' : 'mqtt'}://${urlHost(mqtt.host)}:${mqtt.port}', {
  protocolVersion: 5,
  clientId: '${mqtt.client_id}',
  username: '${mqtt.username}',
  password: '${mqtt.password}',
});
client.on('connect', async () => {
  await client.subscribeAsync('${mqtt.receive_filter}', { qos: 1 });
  await client.publishAsync('${mqtt.topic}', 'Hello', { qos: 1 });
});
client.on('message', (topic, payload) => console.log(payload.toString()));
`;

const urlHost = (host) => (host.includes(':') ? `[${host}]` : host);

/** As a shell takes it for one word; what needs no quotes gets none. */
function quoted(word) {
  return /^[\w./:@%+=-]+$/.test(word) ? word : `'${word.replaceAll("'", `'\\''`)}'`;
}
