"""`/healthz`: which parts of the installation are ready, for who or what looks after it."""

from flask import Response

from web.answers import as_json
from web.parts import parts


def healthz() -> Response:
    """200 when SQL, broker and bridge are ready, else 503 and what is wrong; within 2 s."""
    problems = parts().health.problems()
    ready = not any(problems.values())
    described = {
        part: {"ready": True} if problem is None else {"ready": False, "problem": problem}
        for part, problem in problems.items()
    }
    return as_json({"ready": ready, "parts": described}, 200 if ready else 503)
