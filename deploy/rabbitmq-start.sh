#!/bin/sh
# Starts a RabbitMQ node of compose.yaml: as root, to whom alone the secrets are open, which the node
# is told where only its own user sees them. The image's own entry point makes it that user.
set -eu

# The first line: while a password is being changed, the one before stands in the second.
secret() {
    [ -s "/run/secrets/$1" ] || { echo "The secret $1 is missing; see compose.yaml." >&2; exit 2; }
    head -n 1 "/run/secrets/$1"
}

KATYDID_ADMIN_PASSWORD=$(secret admin_password)
KATYDID_DOOR_WORD=$(secret door_word)
cookie=$(secret erlang_cookie)
export KATYDID_ADMIN_PASSWORD KATYDID_DOOR_WORD

# By which the nodes know each other.
umask 077
rm -f /var/lib/rabbitmq/.erlang.cookie
printf '%s' "$cookie" >/var/lib/rabbitmq/.erlang.cookie
chmod 0400 /var/lib/rabbitmq/.erlang.cookie

exec docker-entrypoint.sh rabbitmq-server
