// Random names for messages, connections and tabs.

/** 128 random bits in hexadecimal; crypto.randomUUID does not exist on plain http. */
export function randomId() {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  return Array.from(bytes, (byte) => byte.toString(16).padStart(2, '0')).join('');
}
