"""`python -m attacks.pair`: two people who write to each other at a steady rate until standard
input ends, in a process of their own, so that an attacker's work does not slow their clocks.

In: a line of JSON, `{"people": [who writes, who hears], "per_second": float}`. Out: a line as
soon as the first text is on its way, and in the end `{"seconds": [how long each text took],
"doubled": int}`; exit status 1, saying why, when one never came.
"""

import json
import select
import sys

from bench.load import Silent, paced
from bench.people import Person


def main() -> None:
    said = json.loads(sys.stdin.readline())
    one, other = (Person(**each) for each in said["people"])
    try:
        arrived = paced(
            [(one, other)],
            per_second=said["per_second"],
            is_enough=_is_enough,
        )
    except (Silent, OSError) as problem:
        sys.exit(str(problem))
    doubled = len(arrived) - len({each.number for each in arrived})
    print(json.dumps({"seconds": [each.seconds for each in arrived], "doubled": doubled}))


def _is_enough(sent: int) -> bool:
    if sent == 1:
        print("begun", flush=True)
    return sent > 0 and bool(select.select([sys.stdin], (), (), 0)[0])


if __name__ == "__main__":
    main()
