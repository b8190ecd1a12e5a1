"""History, by MQTT and by HTTP: the same records in the same order, page by page."""

from typing import Any

from cli.doctor.contract.rules import Rules, answered, holds, is_problem, same
from cli.doctor.contract.server import API, Server, new_id
from cli.doctor.mqtt import Connection

rules = Rules("Being complete", about="history")


def _asked(server: Server, **question: Any) -> Any:
    """By MQTT."""
    request = new_id()
    server.alice.publish(server.bob.name, "history", {**question, "request": request})
    return server.alice.hears.hear_of("history", request=request)


def _got(server: Server, **query: Any) -> Any:
    """By HTTP."""
    with server.alice.as_device() as http:
        path = f"{API}/conversations/{server.bob.name}/messages"
        return answered(http.get(path, params=query), 200)


@rules("MQTT and HTTP answer the same")
def the_same(server: Server) -> None:
    for question in ({"limit": 10}, {"after": 0, "limit": 5}, {"before": 6, "limit": 3}):
        by_mqtt = _asked(server, **question)
        by_http = _got(server, **question)
        same(by_mqtt["messages"], by_http["messages"])
        same(by_mqtt["more"], by_http["more"])


@rules("what was heard live is in history")
def what_was_heard(server: Server) -> None:
    record = server.bob.send(server.alice, "Keep this")
    page = _asked(server, after=record["seq"] - 1)
    same(page["messages"][:1], [record])


@rules("pages ascend by seq, and following `after` finds every number once")
def pages(server: Server) -> None:
    last = server.alice.send(server.bob, "The last one")["seq"]
    first = max(0, last - 30)
    seqs, after, more = [], first, True
    while more:
        page = _asked(server, after=after, limit=7)
        found = [message["seq"] for message in page["messages"]]
        holds(found or not page["more"], expected="a page with messages", came=page)
        seqs += found
        after, more = (found or [after])[-1], page["more"]
    same(seqs, list(range(first + 1, last + 1)))


@rules("an empty question asks for the newest")
def newest(server: Server) -> None:
    last = server.alice.send(server.bob, "The very last one")["seq"]
    device = server.alice.devices[-1]
    with Connection(device.tcp, device.credential) as other:
        other.subscribe(device.mqtt["receive_filter"])
        other.publish(device.topic(server.bob.name, "history"))
        page = other.hear_of("history", request=None)
    same(page["messages"][-1]["seq"], last)


@rules("MQTT 5: a response topic below one's own down/ is answered, with the correlation data")
def response_topic(server: Server) -> None:
    topic = f"chat/v1/down/{server.alice.name}/history/check"
    server.alice.publish(
        server.bob.name,
        "history",
        {"limit": 1},
        ResponseTopic=topic,
        CorrelationData=b"number 17",
    )
    server.alice.hears.hear("check")
    [answer] = [m for m in server.alice.hears.messages if m.topic == topic]
    same(getattr(answer.properties, "CorrelationData", None), b"number 17")


@rules("MQTT 5: a response topic elsewhere is refused")
def response_topic_elsewhere(server: Server) -> None:
    request = new_id()
    server.alice.publish(
        server.bob.name,
        "history",
        {"request": request},
        ResponseTopic=f"chat/v1/down/{server.bob.name}/history",
    )
    same(server.alice.error(request)["reason"], "refused")


@rules("a page of no possible size is refused, by MQTT and by HTTP")
def limit(server: Server) -> None:
    request = new_id()
    server.alice.publish(server.bob.name, "history", {"limit": 1000, "request": request})
    same(server.alice.error(request)["reason"], "malformed")
    with server.alice.as_device() as http:
        path = f"{API}/conversations/{server.bob.name}/messages"
        is_problem(http.get(path, params={"limit": 1000}), 422)
