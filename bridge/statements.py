"""The archive's SQL, set-based: each statement answers for a whole batch, given as JSON.

One statement with `json_each` costs a few microseconds a message; the same through the query
builder with `tuple_ … IN` costs about a hundred (November 2026, 2 cores). Only text lives here;
`archive.py` says in which order it runs and why.
"""

# names → (name, id)
ACCOUNT_IDS = """
SELECT account.name, account.id
FROM json_each(?) AS wanted JOIN account ON account.name = wanted.value
"""

# keys → (key, id, last_seq)
CONVERSATIONS = """
SELECT conversation.key, conversation.id, conversation.last_seq
FROM json_each(?) AS wanted JOIN conversation ON conversation.key = wanted.value
"""

# [[conversation, sender, client id], …] → those that are stored already
KNOWN_MESSAGES = """
SELECT message.conversation_id, message.sender_id, message.client_id,
       message.seq, message.kind, message.body, message.sent_at, message.stored_at
FROM json_each(?) AS wanted
JOIN message ON message.conversation_id = json_extract(wanted.value, '$[0]')
            AND message.sender_id = json_extract(wanted.value, '$[1]')
            AND message.client_id = json_extract(wanted.value, '$[2]')
"""

# [[account, blocked], …] → those that are blocked
BLOCKS = """
SELECT block.account_id, block.blocked_id
FROM json_each(?) AS wanted
JOIN block ON block.account_id = json_extract(wanted.value, '$[0]')
          AND block.blocked_id = json_extract(wanted.value, '$[1]')
"""

# [[conversation, account], …] → (conversation, account, delivered, read)
CURSORS = """
SELECT member.conversation_id, member.account_id, member.delivered_seq, member.read_seq
FROM json_each(?) AS wanted
JOIN member ON member.conversation_id = json_extract(wanted.value, '$[0]')
           AND member.account_id = json_extract(wanted.value, '$[1]')
"""

# One row each from here on.

NEW_CONVERSATION = "INSERT INTO conversation (kind, key, last_seq) VALUES ('direct', ?, 0)"

NEW_MEMBER = """
INSERT INTO member (conversation_id, account_id, delivered_seq, read_seq) VALUES (?, ?, 0, 0)
"""

NEW_MESSAGE = """
INSERT INTO message
    (conversation_id, seq, sender_id, client_id, kind, body, sent_at, stored_at)
VALUES (?, ?, ?, ?, 'text', ?, ?, ?)
"""

MOVE_LAST_SEQ = "UPDATE conversation SET last_seq = ? WHERE id = ?"

MOVE_CURSOR = """
UPDATE member SET delivered_seq = ?, read_seq = ? WHERE conversation_id = ? AND account_id = ?
"""

CONNECTION_BEGAN = """
INSERT INTO presence (account_id, connection, since_at) VALUES (?, ?, ?)
ON CONFLICT (account_id, connection) DO UPDATE SET since_at = excluded.since_at
"""

# Whoever announces ever new connections forgets the oldest ones.
FORGET_OLDEST_CONNECTIONS = """
DELETE FROM presence WHERE account_id = ? AND connection NOT IN
    (SELECT connection FROM presence WHERE account_id = ?
     ORDER BY since_at DESC, connection LIMIT ?)
"""

CONNECTION_ENDED = "DELETE FROM presence WHERE account_id = ? AND connection = ?"

COUNT_CONNECTIONS = "SELECT count(*) FROM presence WHERE account_id = ?"

LAST_SEEN = "SELECT last_seen_at FROM account WHERE id = ?"

SEEN_NOW = "UPDATE account SET last_seen_at = ? WHERE id = ?"

PEERS = """
SELECT DISTINCT account.name
FROM member AS mine
JOIN member AS theirs ON theirs.conversation_id = mine.conversation_id
                     AND theirs.account_id <> mine.account_id
JOIN account ON account.id = theirs.account_id
WHERE mine.account_id = ?
"""
