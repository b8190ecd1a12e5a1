// What a message may be, counted and cleaned as the archive does it. Pure.

export const MOST_CHARACTERS = 4_000;

/** Unicode code points, as the archive counts them: 🦗 is one, though it has a `length` of two. */
export function characters(text) {
  let count = 0;
  for (const _ of text) count += 1;
  return count;
}

/** The text as it is sent: without blank edges, NUL and halves of characters. */
export function sendable(text) {
  const trimmed = text.trim().replaceAll('\0', '');
  return trimmed.toWellFormed?.() ?? trimmed;
}
