"""Leases of shards: taken, shared, given over and given back, by the database's clock."""

import pytest
from sqlalchemy import text

from chat.database import Database
from chat.shards import (
    Lease,
    even_handovers,
    give_back,
    hand_over,
    handovers,
    renew_leases,
    succeed_namesake,
    unserved_shards,
)

pytestmark = pytest.mark.both_databases

ALL = range(16)


def renewed(database: Database, worker: str, shards: range = ALL) -> dict[int, int]:
    """What the worker holds after renewing: shard → number of the lease."""
    with database.writing() as session:
        held = renew_leases(session, worker=worker, shards=shards, served=())
    return {shard: lease.number for shard, lease in held.items()}


def let_time_pass(database: Database, seconds: float) -> None:
    with database.transaction() as connection:
        for table in ("shard", "bridge_worker"):
            earlier = text(f"UPDATE {table} SET expires_at = expires_at - :ms")
            connection.execute(earlier, {"ms": int(seconds * 1000)})


def test_who_comes_first_takes_all_and_who_comes_next_nothing(database: Database) -> None:
    assert renewed(database, "first") == dict.fromkeys(ALL, 1)
    assert renewed(database, "second") == {}
    assert renewed(database, "first") == dict.fromkeys(ALL, 1)


def test_a_worker_takes_only_what_it_may_serve(database: Database) -> None:
    assert set(renewed(database, "first", range(4))) == set(range(4))
    assert set(renewed(database, "second")) == set(range(4, 16))


def test_a_lease_that_ran_out_goes_to_another_under_a_higher_number(database: Database) -> None:
    renewed(database, "first")

    let_time_pass(database, 2)
    assert renewed(database, "second") == {}

    let_time_pass(database, 2)
    assert renewed(database, "second") == dict.fromkeys(ALL, 2)
    assert renewed(database, "first") == {}


def test_a_lease_that_ran_out_is_still_that_of_its_holder_while_nobody_wants_it(
    database: Database,
) -> None:
    renewed(database, "first")

    let_time_pass(database, 60)

    assert renewed(database, "first") == dict.fromkeys(ALL, 1)


def test_what_is_given_back_is_anybodys_at_once(database: Database) -> None:
    renewed(database, "first")
    with database.writing() as session:
        give_back(session, "first")

    assert renewed(database, "second") == dict.fromkeys(ALL, 2)


def test_who_has_ended_is_handed_nothing_any_more(database: Database) -> None:
    renewed(database, "first")
    renewed(database, "second")
    with database.writing() as session:
        surplus = handovers(session, "first")
        give_back(session, "second")

    with database.writing() as session:
        for shard, other in surplus.items():
            hand_over(session, Lease(shard, 1), to=other)

    assert set(surplus.values()) == {"second"}
    assert renewed(database, "first") == dict.fromkeys(ALL, 1)


def test_a_worker_that_starts_again_succeeds_itself_and_nobody_else(database: Database) -> None:
    renewed(database, "one/a", range(8))
    renewed(database, "one-more/b")
    with database.writing() as session:
        succeed_namesake(session, "one/c")

    assert renewed(database, "one/c") == dict.fromkeys(range(8), 2)
    assert renewed(database, "one/a") == {}


def test_shards_are_handed_over_to_who_has_just_come(database: Database) -> None:
    renewed(database, "first")
    renewed(database, "second")

    with database.writing() as session:
        surplus = handovers(session, "first")
        held = renew_leases(session, worker="first", shards=ALL, served=())
        for shard, other in surplus.items():
            hand_over(session, held[shard], to=other)
            hand_over(session, held[shard], to="first")  # too late

    assert len(renewed(database, "first")) == len(renewed(database, "second")) == 8
    assert set(renewed(database, "second").values()) == {2}


def test_a_worker_that_is_silent_gets_nothing(database: Database) -> None:
    renewed(database, "first")
    renewed(database, "second")
    let_time_pass(database, 4)
    renewed(database, "first")

    with database.writing() as session:
        assert handovers(session, "first") == {}


@pytest.mark.parametrize("workers", range(1, 17))
def test_all_hold_as_many_give_or_take_one(workers: int) -> None:
    names = [f"worker-{number}" for number in range(workers)]
    may_serve = {name: set(ALL) for name in names}
    held: dict[str, set[int]] = {name: set() for name in names} | {names[-1]: set(ALL)}

    for _ in range(40):
        given = {name: even_handovers(name, held, may_serve) for name in names}
        for name, shards in given.items():
            for shard, other in shards.items():
                held[name].remove(shard)
                held[other].add(shard)

    sizes = [len(shards) for shards in held.values()]
    assert sum(sizes) == 16
    assert max(sizes) - min(sizes) <= 1
    assert not any(even_handovers(name, held, may_serve) for name in names)


def test_nobody_is_given_what_it_may_not_serve() -> None:
    held = {"all": set(ALL), "some": set[int]()}
    may_serve = {"all": set(ALL), "some": {3, 4}}

    assert even_handovers("all", held, may_serve) == {3: "some", 4: "some"}


def test_a_shard_is_unserved_until_its_holder_says_otherwise(database: Database) -> None:
    renewed(database, "first")
    with database.writing() as session:
        assert unserved_shards(session) == list(ALL)
        renew_leases(session, worker="first", shards=ALL, served=range(1, 16))
        assert unserved_shards(session) == [0]


def terms(database: Database, shard: int) -> list[tuple[int, str, bool]]:
    """Who held the shard under which number, and whether that has ended."""
    asked = text(
        "SELECT number, worker, ended_at IS NOT NULL FROM lease_term WHERE shard = :shard"
        " ORDER BY number"
    )
    with database.transaction() as connection:
        rows = connection.execute(asked, {"shard": shard}).all()
        overlapping = connection.execute(
            text(
                "SELECT count(*) FROM lease_term a JOIN lease_term b"
                " ON a.shard = b.shard AND a.number + 1 = b.number"
                " WHERE a.ended_at IS NULL OR a.ended_at > b.began_at"
            )
        ).scalar_one()
    assert overlapping == 0
    return [(number, worker, bool(ended)) for number, worker, ended in rows]


def test_who_held_a_shard_when_is_kept_once_for_each_holder(database: Database) -> None:
    renewed(database, "first")
    renewed(database, "first")
    assert terms(database, 3) == [(1, "first", False)]

    let_time_pass(database, 4)
    renewed(database, "second")
    assert terms(database, 3) == [(1, "first", True), (2, "second", False)]

    renewed(database, "third")
    with database.writing() as session:
        hand_over(session, Lease(3, 2), to="third")
        hand_over(session, Lease(4, 1), to="third")  # it has not been that for long
    assert terms(database, 3)[2:] == [(3, "third", False)]
    assert len(terms(database, 4)) == 2

    with database.writing() as session:
        give_back(session, "third")
    assert terms(database, 3)[2:] == [(3, "third", True)]


def test_a_lease_that_ran_out_ended_when_it_did(database: Database) -> None:
    renewed(database, "first")
    let_time_pass(database, 4)
    with database.transaction() as connection:
        earlier = text("UPDATE lease_term SET began_at = began_at - 60000")
        connection.execute(earlier)
        ran_out = connection.execute(text("SELECT expires_at FROM shard WHERE shard = 3"))
        expires_at = ran_out.scalar_one()

    renewed(database, "second")

    with database.transaction() as connection:
        ended = text("SELECT ended_at FROM lease_term WHERE shard = 3 AND number = 1")
        assert connection.execute(ended).scalar_one() == expires_at
