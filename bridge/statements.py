"""The archive's SQL, set-based: each statement answers for a whole batch, given as JSON.

One statement over a list in JSON costs a few microseconds a message; the same through the query
builder with `tuple_ … IN` costs about a hundred (November 2026, 2 cores). Only text lives here;
`archive.py` says in which order it runs and why.

Written once for both databases. What they say differently stands in braces, and `in_words_of` puts
it in; `wanted` is a list of lists, and `->>` takes a field out of one. New messages, which have
the most fields, are said to SQLite one by one: to take them out of JSON costs it twice as much.
"""

from functools import cache

_WORDS = {
    "sqlite": {
        "wanted": "json_each(?) AS wanted",
        "value": "?",
        # Who writes has the whole database to itself.
        "lock_leases": "",
        "lock_conversations": "",
        "messages": "VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
    },
    "postgresql": {
        "wanted": "jsonb_array_elements(CAST(%s AS jsonb)) AS wanted",
        "value": "%s",
        "lock_leases": "FOR SHARE OF shard",
        # Not FOR UPDATE, for which whoever inserts a row that names a conversation would wait, and
        # the bridge for them: those lock in an order of their own.
        "lock_conversations": "FOR NO KEY UPDATE OF conversation",
        "messages": """
SELECT CAST(wanted.value ->> 0 AS BIGINT), CAST(wanted.value ->> 1 AS BIGINT),
       CAST(wanted.value ->> 2 AS BIGINT), wanted.value ->> 3, wanted.value ->> 4,
       wanted.value ->> 5, CAST(wanted.value ->> 6 AS BIGINT), CAST(wanted.value ->> 7 AS BIGINT),
       CAST(wanted.value ->> 8 AS BIGINT), CAST(wanted.value ->> 9 AS BIGINT)
FROM jsonb_array_elements(CAST(%s AS jsonb)) AS wanted
""",
    },
}


@cache
def in_words_of(dialect: str, statement: str) -> str:
    """The statement as "sqlite" or "postgresql" understands it."""
    return statement.format_map(_WORDS[dialect])


# [[shard, number], …] → those leases that are still held; they stay so to the transaction's end
LEASES = """
SELECT shard.shard, shard.number
FROM {wanted}
JOIN shard ON shard.shard = CAST(wanted.value ->> 0 AS INTEGER)
          AND shard.number = CAST(wanted.value ->> 1 AS BIGINT)
{lock_leases}
"""

# [[name], …] → (name, id, the owner's id if it is a thing)
ACCOUNT_IDS = """
SELECT account.name, account.id, account.owner_id
FROM {wanted} JOIN account ON account.name = wanted.value ->> 0
"""

# [[key], …] → (key, id, last_seq)
CONVERSATIONS = """
SELECT conversation.key, conversation.id, conversation.last_seq
FROM {wanted} JOIN conversation ON conversation.key = wanted.value ->> 0
"""

# The same, and nobody else numbers messages in them until the transaction's end. All lock in one
# order, so that no two wait for each other.
LOCKED_CONVERSATIONS = """
SELECT conversation.key, conversation.id, conversation.last_seq
FROM {wanted} JOIN conversation ON conversation.key = wanted.value ->> 0
ORDER BY conversation.id
{lock_conversations}
"""

# [[conversation, sender, client id], …] → those that are stored already
KNOWN_MESSAGES = """
SELECT message.conversation_id, message.sender_id, message.client_id,
       message.seq, message.kind, message.body, message.sent_at, message.stored_at,
       message.target_seq, message.reply_to_seq
FROM {wanted}
JOIN message ON message.conversation_id = CAST(wanted.value ->> 0 AS BIGINT)
            AND message.sender_id = CAST(wanted.value ->> 1 AS BIGINT)
            AND message.client_id = wanted.value ->> 2
"""

# [[conversation, seq, account name, reason code, time], …]; the first refusal of each copy stays
NOTE_REFUSED = """
INSERT INTO refused_copy (conversation_id, seq, account_id, reason, refused_at)
SELECT message.conversation_id, message.seq, account.id,
       CAST(wanted.value ->> 3 AS INTEGER), CAST(wanted.value ->> 4 AS BIGINT)
FROM {wanted}
JOIN message ON message.conversation_id = CAST(wanted.value ->> 0 AS BIGINT)
            AND message.seq = CAST(wanted.value ->> 1 AS BIGINT)
JOIN account ON account.name = wanted.value ->> 2
WHERE true
ON CONFLICT DO NOTHING
"""

# [[conversation, seq], …] → those that exist: who sent it, what it is, whether anything is left
TARGETS = """
SELECT message.conversation_id, message.seq,
       message.sender_id, message.kind = 'text', message.body <> ''
FROM {wanted}
JOIN message ON message.conversation_id = CAST(wanted.value ->> 0 AS BIGINT)
            AND message.seq = CAST(wanted.value ->> 1 AS BIGINT)
"""

# [[recipient, sender], …] → (recipient, sender, what stands between them), where the recipient was
# deleted ("gone"), has blocked the sender, who may have been deleted ("block"), has not accepted it
# yet ("request"), or now answers who is not accepted yet ("answer"). All these tables are small.
BLOCKS = """
SELECT CAST(wanted.value ->> 0 AS BIGINT), CAST(wanted.value ->> 1 AS BIGINT),
       CASE WHEN recipient.account_id IS NOT NULL THEN 'gone'
            WHEN block.account_id IS NOT NULL OR sender.account_id IS NOT NULL THEN 'block'
            WHEN asking.account_id IS NOT NULL THEN 'request'
            ELSE 'answer' END
FROM {wanted}
LEFT JOIN message_request AS asking
       ON asking.account_id = CAST(wanted.value ->> 0 AS BIGINT)
      AND asking.sender_id = CAST(wanted.value ->> 1 AS BIGINT)
LEFT JOIN message_request AS asked
       ON asked.account_id = CAST(wanted.value ->> 1 AS BIGINT)
      AND asked.sender_id = CAST(wanted.value ->> 0 AS BIGINT)
LEFT JOIN block ON block.account_id = CAST(wanted.value ->> 0 AS BIGINT)
               AND block.blocked_id = CAST(wanted.value ->> 1 AS BIGINT)
LEFT JOIN deletion AS recipient ON recipient.account_id = CAST(wanted.value ->> 0 AS BIGINT)
LEFT JOIN deletion AS sender ON sender.account_id = CAST(wanted.value ->> 1 AS BIGINT)
WHERE block.account_id IS NOT NULL
   OR recipient.account_id IS NOT NULL
   OR sender.account_id IS NOT NULL
   OR asking.account_id IS NOT NULL
   OR asked.account_id IS NOT NULL
"""

# [[recipient, sender, time], …] of conversations that begin → those of whom the recipient asks to
# be asked first. Things may talk with whom their owner allows, and need not ask.
NEW_REQUESTS = """
INSERT INTO message_request (account_id, sender_id, created_at)
SELECT recipient.id, sender.id, CAST(wanted.value ->> 2 AS BIGINT)
FROM {wanted}
JOIN account AS recipient ON recipient.id = CAST(wanted.value ->> 0 AS BIGINT)
JOIN account AS sender ON sender.id = CAST(wanted.value ->> 1 AS BIGINT)
WHERE recipient.asks_first AND recipient.id <> sender.id
  AND recipient.kind = 'person' AND sender.kind = 'person'
ON CONFLICT (account_id, sender_id) DO NOTHING
RETURNING account_id, sender_id
"""

# [[recipient, sender], …]: the recipient has answered
END_REQUESTS = """
DELETE FROM message_request WHERE EXISTS (
    SELECT 1 FROM {wanted}
    WHERE message_request.account_id = CAST(wanted.value ->> 0 AS BIGINT)
      AND message_request.sender_id = CAST(wanted.value ->> 1 AS BIGINT))
"""

# [[key, how many more, end of an hour from now], …] → (key, how many in this hour)
COUNT_IN_HOUR = """
INSERT INTO rate_limit (key, count, expires_at)
SELECT wanted.value ->> 0, CAST(wanted.value ->> 1 AS BIGINT), CAST(wanted.value ->> 2 AS BIGINT)
FROM {wanted}
WHERE true
ORDER BY wanted.value ->> 0
ON CONFLICT (key) DO UPDATE SET
    count = excluded.count + CASE WHEN rate_limit.expires_at > excluded.expires_at - 3600000
                                  THEN rate_limit.count ELSE 0 END,
    expires_at = CASE WHEN rate_limit.expires_at > excluded.expires_at - 3600000
                      THEN rate_limit.expires_at ELSE excluded.expires_at END
RETURNING key, count
"""

# [[thing, account], …] → those that the thing's owner allows
ALLOWANCES = """
SELECT allowance.thing_id, allowance.allowed_id
FROM {wanted}
JOIN allowance ON allowance.thing_id = CAST(wanted.value ->> 0 AS BIGINT)
              AND allowance.allowed_id = CAST(wanted.value ->> 1 AS BIGINT)
"""

# [[conversation, account, other], …] → (conversation, account, delivered, read, whether one of both
# hides what it has read, whether one has blocked the other, or is not accepted by it yet)
CURSORS = """
SELECT member.conversation_id, member.account_id, member.delivered_seq, member.read_seq,
       own.hides_read OR other.hides_read,
       EXISTS (SELECT 1 FROM block WHERE block.account_id = own.id AND block.blocked_id = other.id)
       OR
       EXISTS (SELECT 1 FROM block WHERE block.account_id = other.id AND block.blocked_id = own.id)
       OR
       EXISTS (SELECT 1 FROM message_request AS asked
               WHERE asked.account_id = own.id AND asked.sender_id = other.id
                  OR asked.account_id = other.id AND asked.sender_id = own.id)
FROM {wanted}
JOIN member ON member.conversation_id = CAST(wanted.value ->> 0 AS BIGINT)
           AND member.account_id = CAST(wanted.value ->> 1 AS BIGINT)
JOIN account AS own ON own.id = CAST(wanted.value ->> 1 AS BIGINT)
JOIN account AS other ON other.id = CAST(wanted.value ->> 2 AS BIGINT)
"""

# [[account, other], …] → those of whom one hides when it is here
HIDING = """
SELECT own.id, other.id
FROM {wanted}
JOIN account AS own ON own.id = CAST(wanted.value ->> 0 AS BIGINT)
JOIN account AS other ON other.id = CAST(wanted.value ->> 1 AS BIGINT)
WHERE own.hides_presence OR other.hides_presence
"""

# [[conversation, account, time], …] → that account's browsers, if any, are to be told of it
NOTIFY = """
INSERT INTO notification (conversation_id, account_id, due_at, told_seq, failures)
SELECT CAST(wanted.value ->> 0 AS BIGINT), CAST(wanted.value ->> 1 AS BIGINT),
       CAST(wanted.value ->> 2 AS BIGINT), 0, 0
FROM {wanted}
WHERE EXISTS (SELECT 1 FROM push_subscription
              WHERE push_subscription.account_id = CAST(wanted.value ->> 1 AS BIGINT))
ON CONFLICT (conversation_id, account_id) DO UPDATE SET due_at = excluded.due_at
WHERE notification.due_at IS NULL
"""

# The same, where its browsers may show something that was read or unsent meanwhile.
NOTIFY_WHO_WAS_TOLD = """
UPDATE notification SET due_at = CAST(wanted.value ->> 2 AS BIGINT)
FROM {wanted}
WHERE notification.conversation_id = CAST(wanted.value ->> 0 AS BIGINT)
  AND notification.account_id = CAST(wanted.value ->> 1 AS BIGINT)
  AND notification.due_at IS NULL
"""

# [[key], …]; another bridge may begin the same conversation in the same moment, from its other end.
# All begin them in one order, so that no two wait for each other.
NEW_CONVERSATIONS = """
INSERT INTO conversation (kind, key, last_seq)
SELECT 'direct', wanted.value ->> 0, 0
FROM {wanted}
WHERE true
ORDER BY wanted.value ->> 0
ON CONFLICT (key) DO NOTHING
"""

# [[conversation, account], …]
NEW_MEMBERS = """
INSERT INTO member (conversation_id, account_id, delivered_seq, read_seq)
SELECT CAST(wanted.value ->> 0 AS BIGINT), CAST(wanted.value ->> 1 AS BIGINT), 0, 0
FROM {wanted}
WHERE true
ON CONFLICT (conversation_id, account_id) DO NOTHING
"""

# (conversation, seq, sender, client id, kind, body, sent, stored, target, reply to), …
NEW_MESSAGES = """
INSERT INTO message
    (conversation_id, seq, sender_id, client_id, kind, body, sent_at, stored_at,
     target_seq, reply_to_seq)
{messages}
"""

# [[conversation, seq], …]: texts that were unsent, and what they said after each edit.
EMPTY_TEXTS = """
UPDATE message SET body = ''
FROM {wanted}
WHERE message.conversation_id = CAST(wanted.value ->> 0 AS BIGINT)
  AND message.seq = CAST(wanted.value ->> 1 AS BIGINT)
"""
EMPTY_EDITS = """
UPDATE message SET body = ''
FROM {wanted}
WHERE message.conversation_id = CAST(wanted.value ->> 0 AS BIGINT)
  AND message.target_seq = CAST(wanted.value ->> 1 AS BIGINT)
  AND message.kind = 'edit'
"""

# [[conversation, seq], …]
MOVE_LAST_SEQS = """
UPDATE conversation SET last_seq = CAST(wanted.value ->> 1 AS BIGINT)
FROM {wanted}
WHERE conversation.id = CAST(wanted.value ->> 0 AS BIGINT)
"""

# [[conversation, account, delivered, read], …]
MOVE_CURSORS = """
UPDATE member SET delivered_seq = CAST(wanted.value ->> 2 AS BIGINT),
                  read_seq = CAST(wanted.value ->> 3 AS BIGINT)
FROM {wanted}
WHERE member.conversation_id = CAST(wanted.value ->> 0 AS BIGINT)
  AND member.account_id = CAST(wanted.value ->> 1 AS BIGINT)
"""

# About one connection or one account from here on.

CONNECTION_BEGAN = """
INSERT INTO presence (account_id, connection, since_at) VALUES ({value}, {value}, {value})
ON CONFLICT (account_id, connection) DO UPDATE SET since_at = excluded.since_at
"""

# Whoever announces ever new connections forgets the oldest ones.
FORGET_OLDEST_CONNECTIONS = """
DELETE FROM presence WHERE account_id = {value} AND connection NOT IN
    (SELECT connection FROM presence WHERE account_id = {value}
     ORDER BY since_at DESC, connection LIMIT {value})
"""

CONNECTION_ENDED = "DELETE FROM presence WHERE account_id = {value} AND connection = {value}"

# → how many, and when the last one was announced
CONNECTIONS = "SELECT count(*), max(since_at) FROM presence WHERE account_id = {value}"

DEVICE_USED = """
UPDATE device SET last_used_at = {value}
WHERE id = {value} AND account_id = {value} AND (last_used_at IS NULL OR last_used_at < {value})
"""

PRESENCE_OF = """
SELECT last_seen_at, hides_presence, presence_switched_at FROM account WHERE id = {value}
"""

SEEN_NOW = """
UPDATE account SET last_seen_at = {value} WHERE id = {value} AND deleted_at IS NULL
"""

# Those who may know when the account is here; of a thing and by a thing, only who may talk with it.
PEERS = """
SELECT DISTINCT account.name
FROM member AS mine
JOIN member AS theirs ON theirs.conversation_id = mine.conversation_id
                     AND theirs.account_id <> mine.account_id
JOIN account ON account.id = theirs.account_id
JOIN account AS own ON own.id = mine.account_id
WHERE mine.account_id = {value}
  AND NOT account.hides_presence
  AND account.deleted_at IS NULL
  AND NOT EXISTS (
      SELECT 1 FROM block
      WHERE (block.account_id = mine.account_id AND block.blocked_id = account.id)
         OR (block.account_id = account.id AND block.blocked_id = mine.account_id))
  AND NOT EXISTS (
      SELECT 1 FROM message_request AS asked
      WHERE (asked.account_id = mine.account_id AND asked.sender_id = account.id)
         OR (asked.account_id = account.id AND asked.sender_id = mine.account_id))
  AND (own.owner_id IS NULL OR own.owner_id = account.id OR EXISTS (
      SELECT 1 FROM allowance
      WHERE allowance.thing_id = own.id AND allowance.allowed_id = account.id))
  AND (account.owner_id IS NULL OR account.owner_id = own.id OR EXISTS (
      SELECT 1 FROM allowance
      WHERE allowance.thing_id = account.id AND allowance.allowed_id = own.id))
"""
