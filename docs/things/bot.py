"""A bot that answers: "time" with the time, all else with what it can do.

    THING='mqtt://…' python bot.py

It answers people alone whom its owner allows; the server sees to that. An answer's id is made of
what it answers: should a message come twice, its answer is stored once.
"""

import os
from datetime import datetime

from thing import Thing


def received(kind: str, record: dict) -> None:
    if kind == "error":
        print(f"{record['verb']} to {record['to']}: {record['detail']}", flush=True)
    if kind != "message" or record["kind"] != "text" or record["from"] == bot.name:
        return
    to, seq = record["from"], record["seq"]
    bot.send(to, "read", {"seq": seq})
    id = f"answer-{record['conversation']}-{seq}"
    bot.send(to, "send", {"id": id, "text": answer(record["text"]), "reply_to": seq})


def answer(text: str) -> str:
    if text.strip().lower() == "time":
        return f"It is {datetime.now().astimezone():%H:%M:%S %Z}."
    return 'Say "time", and I say what time it is.'


bot = Thing(os.environ.get("THING", ""), received)
bot.run()
