#!/bin/sh
# A doorbell: tells its owner that somebody is at the door.
#
#   THING='mqtt://…' ./doorbell.sh 'Somebody is at the door'
#
# THING is the line under the QR code. What mosquitto_pub needs is given to it in a file that only
# you can read, since everybody on a machine can see what a program was started with.
set -eu
umask 077

case ${THING:-} in
  mqtt://?*:?*@?*:[0-9]*/?*\?owner=?* | mqtts://?*:?*@?*:[0-9]*/?*\?owner=?*) ;;
  *) echo 'THING must be the line under the QR code of the thing: mqtt://…?owner=…' >&2; exit 2 ;;
esac
scheme=${THING%%://*} rest=${THING#*://}
login=${rest%%@*} rest=${rest#*@}
address=${rest%%/*} rest=${rest#*/}
up=${rest%%\?*} owner=${rest##*owner=}
user=${login%%:*} password=${login#*:}

folder=$(mktemp -d)
trap 'rm -r "$folder"' EXIT
trap 'exit 130' INT
trap 'exit 143' TERM
{
  printf -- '-V %s\n-q 1\n' "${MQTT_VERSION:-5}"
  printf -- '-h %s\n-p %s\n' "${address%:*}" "${address##*:}"
  printf -- '-i %s\n-u %s\n-P %s\n' "$user" "$user" "$password"
  if [ "$scheme" = mqtts ]; then printf -- '--tls-use-os-certs\n'; fi
} > "$folder/mosquitto_pub"

# Until the broker has it: a bell is often pressed while the network is away. A credential that is
# refused four times is none, and the broker has said so.
refusals=0
until XDG_CONFIG_HOME=$folder mosquitto_pub -t "$up/$owner/send" -m "${1:-Somebody is at the door}"; do
  case $? in
    4 | 5 | 134 | 135) refusals=$((refusals + 1)) ;;
  esac
  [ "$refusals" -lt 4 ] || exit 1
  sleep 5
done
