"""What waits for the archive, and in which order it is taken."""

from bridge.waiting import Waiting


def waiting(*written: tuple[str | None, int]) -> Waiting[str]:
    """So much of each account, one account after the other."""
    found: Waiting[str] = Waiting()
    for account, number in written:
        for each in range(number):
            found.put(account, f"{account} {each}")
    return found


def test_all_that_fits_is_taken_in_the_order_in_which_it_came() -> None:
    queue: Waiting[str] = Waiting()
    for account, one in (("alice", "a"), ("bob", "b"), (None, "c"), ("alice", "d")):
        queue.put(account, one)

    assert len(queue) == 4
    assert queue.take(10) == ["a", "b", "c", "d"]
    assert len(queue) == 0
    assert queue.take(10) == []


def test_who_writes_little_does_not_wait_for_who_writes_much() -> None:
    queue = waiting(("mallory", 1_000), ("alice", 2), ("bob", 1))

    first = queue.take(10)

    assert first == [
        *(f"mallory {each}" for each in range(7)),
        *("alice 0", "alice 1", "bob 0"),
    ]
    assert len(queue) == 993


def test_what_others_leave_of_a_batch_is_used() -> None:
    queue = waiting(("mallory", 100), ("alice", 1))

    assert len(queue.take(50)) == 50


def test_each_account_keeps_its_own_order() -> None:
    queue = waiting(("mallory", 30), ("alice", 9), ("bob", 4))

    taken = [one for _ in range(20) for one in queue.take(5)]

    for account, number in (("mallory", 30), ("alice", 9), ("bob", 4)):
        assert [each for each in taken if each.startswith(account)] == [
            f"{account} {each}" for each in range(number)
        ]
    assert len(taken) == 43


def test_more_accounts_than_a_batch_holds_take_turns() -> None:
    queue = waiting(*((f"account-{each}", 2) for each in range(9)))

    taken = [queue.take(3) for _ in range(6)]

    assert [len(each) for each in taken] == [3] * 6
    assert {one for batch in taken[:3] for one in batch} == {
        f"account-{each} 0" for each in range(9)
    }
