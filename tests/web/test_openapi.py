"""openapi.json: a document after the specification, of every call that there is and no other."""

import re
from typing import Any

import pytest
from openapi_spec_validator import OpenAPIV31SpecValidator

from chat.settings import REPOSITORY
from tests.contract import operations_in
from tests.web.conftest import MakeSite
from tests.web.site import Site
from tests.web.visitor import assert_problem
from web.contract.openapi import template_of
from web.problems import problem_types

PATH = "/api/v1/openapi.json"
FOR_PROGRAMS = ("/api/v1/", "/healthz", "/metrics")
METHODS = ("GET", "POST", "PUT", "PATCH", "DELETE")


@pytest.fixture(scope="module")
def site(shared_site: Site) -> Site:
    return shared_site


@pytest.fixture(scope="module")
def document(site: Site) -> dict[str, Any]:
    found: dict[str, Any] = site.browser().get(PATH).get_json()
    return found


def test_it_is_a_document_after_the_specification(document: dict[str, Any]) -> None:
    assert document["openapi"] == "3.1.0"
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []


def test_every_call_is_described_and_no_other(site: Site, document: dict[str, Any]) -> None:
    routes = {
        (template_of(rule), method)
        for rule in site.app.url_map.iter_rules()
        if rule.rule.startswith(FOR_PROGRAMS)
        for method in (rule.methods or set()) - {"HEAD", "OPTIONS"}
    }

    described = {(path, method) for path, method, _ in operations_in(document)}

    assert described == routes


def test_every_call_has_a_name_of_its_own_and_stands_under_one_heading(
    document: dict[str, Any],
) -> None:
    headings = {tag["name"] for tag in document["tags"]}
    calls = [each for _, _, each in operations_in(document)]

    assert len({each["operationId"] for each in calls}) == len(calls)
    assert {tag for each in calls for tag in each["tags"]} == headings


def test_every_problem_that_a_program_can_meet_is_described(document: dict[str, Any]) -> None:
    described = set(re.findall(r"urn:katydid:problem:[a-z-]+", str(document)))

    # What the forms for people say, and the pages of admins, is theirs alone.
    of_forms = {"wrong-password", "link-not-valid"}
    of_pages = of_forms | {"only-for-admins", "not-admin-any-more", "not-oneself", "unknown-report"}
    assert described == problem_types() - {f"urn:katydid:problem:{name}" for name in of_pages}


def test_every_call_stands_in_the_protocol(document: dict[str, Any]) -> None:
    protocol = (REPOSITORY / "docs" / "protocol.md").read_text()
    told = re.sub(r"<(\w+)>|\{\w+\}", "<>", protocol)

    for path, method, _ in operations_in(document):
        assert re.sub(r"\{\w+\}", "<>", path) in told, f"{method} {path}"


@pytest.mark.parametrize("method", [*METHODS, "TRACE", "BREW"])
def test_a_method_that_is_not_described_is_answered_with_those_that_are(
    site: Site, document: dict[str, Any], method: str
) -> None:
    tried = 0
    for path, item in document["paths"].items():
        if method.lower() in item or not path.startswith("/api/"):
            continue
        address = re.sub(r"\{\w+\}", "bob", path)
        response = site.program("alice").open(method, address)

        # Another route may have the address as one of its names.
        if response.status_code != 405:
            assert any(
                re.fullmatch(re.sub(r"\{\w+\}", "[^/]+", other), path)
                for other, other_item in document["paths"].items()
                if method.lower() in other_item
            ), (method, path)
            continue
        assert_problem(response, 405)
        allowed = {word.lower() for word in response.headers["Allow"].split(", ")}
        assert {each for each in item if each != "parameters"} <= allowed
        tried += 1
    assert tried


@pytest.mark.parametrize(
    ("environ", "cookie"),
    [({}, "katydid"), ({"KATYDID_PUBLIC_URL": "https://chat.example"}, "__Host-katydid")],
)
def test_it_is_for_everybody_and_names_the_cookie_of_the_site(
    make_site: MakeSite, environ: dict[str, str], cookie: str
) -> None:
    response = make_site(**environ).browser().get(PATH)

    assert response.status_code == 200
    assert response.mimetype == "application/json"
    assert response.get_json()["components"]["securitySchemes"]["session"]["name"] == cookie


def test_people_are_shown_all_of_it_without_a_login_and_without_scripts(
    site: Site, document: dict[str, Any]
) -> None:
    page = site.browser().get("/api")

    assert page.status_code == 200
    assert "<script" not in page.text
    for _, _, each in operations_in(document):
        assert f'id="{each["operationId"]}"' in page.text
        assert each["summary"].replace("'", "&#39;") in page.text
    for name in document["components"]["schemas"]:
        if "properties" in document["components"]["schemas"][name]:
            assert f'id="schema-{name}"' in page.text
    links = set(re.findall(r'href="#([^"]+)"', page.text))
    assert links <= set(re.findall(r'id="([^"]+)"', page.text))
