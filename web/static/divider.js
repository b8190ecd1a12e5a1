// Where its reader went on when a conversation was opened with something new: a line before the first
// message that was new then. Pure.

const DIVIDER = { key: 'divider', template: 'divider' };

/** The items with the line among them, if the messages on both its sides are there. */
export function withDivider(items, { dividesAfter, shown }) {
  if (dividesAfter === null || shown.firstSeq > dividesAfter + 1) return items;
  const first = items.findIndex(({ seq, isOwn }) => seq > dividesAfter && !isOwn);
  return first < 0 ? items : [...items.slice(0, first), DIVIDER, ...items.slice(first)];
}
