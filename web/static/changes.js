// What is done to a text after it was sent: an edit, an unsend, a reaction. Each is a row of the log
// with a `seq` of its own, and a text is shown as its changes have made it. Pure.

const UNSENT = 'Message unsent';
// Of a deleted account that took its messages along, their place is left.
const ERASED = 'This message was erased.';

/** Whether a row of the log is a text; the others are changes of one. */
export const isText = ({ kind }) => kind === 'text';

/** The text after a change; the text itself where the change is another's or known in it already:
    `as_of` is the seq up to which a text has its changes. */
export function changedBy(text, change) {
  if (!text || text.seq !== change.target || change.seq <= text.as_of) return text;
  return { ...withChange(text, change), as_of: change.seq };
}

/** The text as it will be after own changes that are not archived yet, the oldest first. */
export const expected = (text, outgoing) => outgoing.map(asRow).reduce(withChange, text);

/** Rows as a page of history has them, of which nothing up to `asOf` is missing. */
export function asOfPage(rows, asOf) {
  const known = Math.max(asOf, rows.at(-1)?.seq ?? 0);
  return rows.map((row) => (isText(row) ? { ...row, as_of: known } : row));
}

/** What a text says, or what has become of it. */
export const said = ({ text, unsent_at: unsentAt }) => text || (unsentAt ? UNSENT : ERASED);

/** Whether there is something to react to, to answer or to copy. */
export const isThere = ({ unsent_at: unsentAt, text }) => !unsentAt && text !== '';

function withChange(text, { kind, from, text: words, stored_at: at }) {
  if (text.unsent_at) return text;
  if (kind === 'edit') return { ...text, text: words, edited_at: at };
  if (kind === 'unsend') return { ...text, text: '', unsent_at: at, reactions: undefined };
  if (kind !== 'reaction') return text;
  const { [from]: _, ...others } = text.reactions ?? {};
  return { ...text, reactions: words ? { ...others, [from]: words } : others };
}

const KINDS = { edit: 'edit', unsend: 'unsend', react: 'reaction' };

/** What an entry of the outbox will be in the log. */
const asRow = ({ verb, from, text, writtenAt }) => ({
  kind: KINDS[verb],
  from,
  text,
  stored_at: writtenAt,
});
