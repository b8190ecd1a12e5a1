"""What members tell the admins of others: of what is not theirs to tell, or too much of it."""

import httpx

from attacks.at_once import all_at_once, listed, says
from attacks.attack import HTTP, Door, Seen
from attacks.place import ALICE, BOB, MALLORY, Place
from bench.people import Person
from chat.reports import MOST_MESSAGES, MOST_OPEN

HTTP_DOOR = Door(HTTP)
_REPORTS = "/api/v1/reports"
_AT_ONCE = 8


def _report(place: Place, by: Person, about: str, **more: object) -> httpx.Response:
    with place.http(by) as client:
        return client.post(_REPORTS, json={"account": about, "reason": "again", **more})


def _of(place: Place, reporter: Person) -> int:
    """How many of its reports there are."""
    return place.count(
        "SELECT count(*) FROM report JOIN account ON account.id = reporter_id WHERE name = :name",
        name=reporter.account,
    )


@HTTP_DOOR.attack("reporting texts of others' conversations, one's own, or none", "422, none told")
def texts_of_others(place: Place) -> Seen:
    """Else an admin would be shown what nobody gave him, and a number would say what there is."""
    reporter = place.new_device(place.newcomer())
    with place.mqtt().open(reporter) as connection:
        connection.publish(reporter.send_topic.replace("{to}", BOB), "my own words")
    place.check_well()
    said = {
        _report(place, reporter, about, messages=messages).status_code
        for about in (ALICE, BOB)
        for messages in ([1], [2], [2**53 - 1], [0], [-1], [2**63], [1.5], ["1"], [None], [[1]])
    }
    made = _of(place, reporter)
    return Seen(said == {422} and not made, f"{listed(said)}, {made} made")


@HTTP_DOOR.attack("a report with more than it may hold", "422 or 413")
def too_much(place: Place) -> Seen:
    """All texts are there to be told, so that nothing but their number is wrong."""
    reporter, writer = (place.new_device(place.newcomer()) for _ in range(2))
    with place.mqtt().open(writer) as connection:
        for number in range(MOST_MESSAGES + 1):
            topic = writer.send_topic.replace("{to}", reporter.account)
            connection.publish(topic, f"{number}")
    place.check_well()
    all_of_them = list(range(1, MOST_MESSAGES + 2))
    said = {
        _report(place, reporter, writer.account, **more).status_code
        for more in (
            {"messages": all_of_them},
            {"reason": "x" * 1_001},
            {"reason": "x" * 60_000},
            {"reason": "x" * 600_000},
            {"reason": "\0"},
            {"reason": " \u2003 "},
            {"reason": None},
            {"reason": {"$ne": 1}},
        )
    }
    made = _of(place, reporter)
    most = _report(place, reporter, writer.account, messages=all_of_them[1:]).status_code
    held = said == {413, 422} and not made and most == 201
    return Seen(held, f"{listed(said)}, {made} made; {most} for {MOST_MESSAGES} texts")


@HTTP_DOOR.attack("a report of oneself, of nobody, by a thing, by a stranger", "404, 403, 401")
def of_nobody(place: Place) -> Seen:
    thing = f"thing-{place.newcomer()}"[:32]
    with place.http(place.mallory) as mallory:
        told = mallory.post("/api/v1/things", json={"account": thing}).json()["mqtt"]
    with place.http() as client:
        body = {"account": ALICE, "reason": "again"}
        by_thing = client.post(_REPORTS, json=body, auth=(told["username"], told["password"]))
        by_stranger = client.post(_REPORTS, json=body)
    names = (MALLORY, "nobody-at-all", "alice' OR '1'='1", "", "\0")
    said = [_report(place, place.mallory, name).status_code for name in names]
    said += [by_thing.status_code, by_stranger.status_code]
    return Seen(said == [404] * 5 + [403, 401], listed(set(said)))


@HTTP_DOOR.attack("the last place for an open report, taken by eight at once", f"{MOST_OPEN} open")
def last_place(place: Place) -> Seen:
    reporter = place.new_device(place.newcomer())
    for _ in range(MOST_OPEN - 1):
        _report(place, reporter, ALICE).raise_for_status()
    said = all_at_once([lambda: _report(place, reporter, ALICE)] * _AT_ONCE)
    made = _of(place, reporter)
    return Seen(
        made == MOST_OPEN and said[201] == 1 and not said[500], f"{made} open; {says(said)}"
    )
