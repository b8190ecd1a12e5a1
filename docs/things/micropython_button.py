"""An ESP32 whose BOOT button tells its owner that it was pressed (MicroPython, umqtt.simple).

Put it on the board as main.py, with what is in capitals filled in:
    mpremote mip install umqtt.simple
    mpremote cp micropython_button.py :main.py
The light is on from the press until the server has archived it; until then it is sent again, with
the same id, so that it is neither lost nor doubled.
"""

import json
import os
import time

import network
from machine import Pin
from umqtt.simple import MQTTClient

WIFI = ("NAME", "PASSWORD")
THING = "mqtt://…"  # the line under the QR code

REPEAT_AFTER_MS = 5000


def told(line):
    """(user, password, host, port, up, owner, has_tls)"""
    scheme, rest = line.split("://", 1)
    login, rest = rest.split("@", 1)
    address, rest = rest.split("/", 1)
    up, owner = rest.split("?owner=", 1)
    user, password = login.split(":", 1)
    host, port = address.rsplit(":", 1)
    return user, password, host, int(port), up, owner, scheme == "mqtts"


USER, PASSWORD, HOST, PORT, UP, OWNER, HAS_TLS = told(THING)
NAME = USER.split(".")[0]

button = Pin(0, Pin.IN, Pin.PULL_UP)
light = Pin(2, Pin.OUT)
waiting = []  # what is not archived yet


def join_wifi():
    station = network.WLAN(network.STA_IF)
    station.active(True)
    if not station.isconnected():
        station.connect(*WIFI)
    while not station.isconnected():
        time.sleep_ms(100)


def trusting():
    """For TLS: a board trusts nobody by itself, so the server's authority has to be put on it."""
    import ssl

    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(cafile="authority.pem")
    return context


def received(topic, payload):
    record = json.loads(payload)
    kind = topic.decode().split("/")[-1]
    is_own = kind == "message" and record["from"] == NAME
    is_refused = kind == "error" and record["reason"] != "rate-limited"
    if (is_own or is_refused) and waiting and record["id"] == waiting[0]["id"]:
        waiting.pop(0)
        light.value(len(waiting) > 0)


def connected():
    join_wifi()
    client = MQTTClient(
        USER, HOST, PORT, user=USER, password=PASSWORD, keepalive=60, ssl=HAS_TLS and trusting()
    )
    client.set_callback(received)
    client.connect(clean_session=False)
    client.subscribe("chat/v1/down/" + NAME + "/#", qos=1)
    return client


def live(client):
    """As long as the connection lasts."""
    was_pressed, sent = False, None
    sent_at = pinged_at = time.ticks_ms()
    while True:
        client.check_msg()
        is_pressed = button.value() == 0
        if is_pressed and not was_pressed:
            id = "".join(f"{byte:02x}" for byte in os.urandom(8))
            waiting.append({"id": id, "text": "The button was pressed"})
            light.value(1)
        was_pressed = is_pressed
        now = time.ticks_ms()
        if waiting and (waiting[0] is not sent or time.ticks_diff(now, sent_at) > REPEAT_AFTER_MS):
            sent, sent_at = waiting[0], now
            client.publish(UP + "/" + OWNER + "/send", json.dumps(sent), qos=1)
        if time.ticks_diff(now, pinged_at) > 30000:
            client.ping()
            pinged_at = now
        time.sleep_ms(20)


while True:
    try:
        live(connected())
    except OSError as error:
        print("again in 5 s:", error)
        time.sleep_ms(5000)
