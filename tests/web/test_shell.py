"""What a browser keeps to open without a network: files by version, compressed; the service worker
and the page it shows where there is nothing else."""

import gzip
import json
import re
import struct
from pathlib import Path

import brotli
import pytest

from tests.web.site import Site
from web.assets import assets


@pytest.fixture(scope="module")
def site(shared_site: Site) -> Site:
    return shared_site


def test_a_page_names_files_by_their_version_and_a_browser_keeps_them_for_ever(site: Site) -> None:
    page = site.browser().log_in("alice").get("/").text
    named = set(re.findall(r'"(/static/[^"]+)"', page))

    answers = [site.browser().get(path) for path in named]

    assert len(named) > 20
    assert all(f"/static/{assets().version}/" in path for path in named)
    assert {answer.status_code for answer in answers} == {200}
    assert {answer.headers["Cache-Control"] for answer in answers} == {
        "public, max-age=31536000, immutable"
    }


@pytest.mark.parametrize("page", ["/", "/settings", "/api", "/offline"])
def test_each_page_is_shown_to_who_is_logged_in(site: Site, page: str) -> None:
    answer = site.browser().log_in("alice").get(page)

    assert (answer.status_code, answer.mimetype) == (200, "text/html")


def test_a_page_of_another_version_gets_our_files_but_does_not_keep_them(site: Site) -> None:
    answer = site.browser().get("/static/v-000000000000/main.js")

    assert answer.data == assets()["main.js"].content
    assert answer.headers["Cache-Control"] == "no-cache"
    assert site.browser().get(f"/static/{assets().version}/nothing.js").status_code == 404


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [("gzip, deflate, br, zstd", "br"), ("gzip, deflate", "gzip"), ("br;q=0, gzip;q=0", None)],
)
def test_files_are_compressed_as_the_browser_can_read_it(
    site: Site, accepted: str, encoding: str | None
) -> None:
    asked = {"Accept-Encoding": accepted}

    answer = site.browser().get("/static/vendor/mqtt.js", headers=asked)
    again = site.browser().get(
        "/static/vendor/mqtt.js", headers={**asked, "If-None-Match": answer.headers["ETag"]}
    )

    read = {"br": brotli.decompress, "gzip": gzip.decompress, None: bytes}[encoding]
    assert answer.headers.get("Content-Encoding") == encoding
    assert read(answer.data) == assets()["vendor/mqtt.js"].content
    assert answer.headers["Vary"] == "Accept-Encoding"
    assert again.status_code == 304


@pytest.mark.parametrize("path", ["/", "/login", "/api/v1/accounts/me"])
def test_what_may_hold_a_secret_is_not_compressed(site: Site, path: str) -> None:
    alice = site.browser().log_in("alice")

    answer = alice.get(path, headers={"Accept-Encoding": "gzip, br"})

    assert "Content-Encoding" not in answer.headers


def test_the_service_worker_keeps_what_the_chat_needs_and_the_page_for_no_network(
    site: Site,
) -> None:
    answer = site.browser().get("/service-worker.js")

    line = answer.text.splitlines()[0]
    shell = json.loads(line.removeprefix("self.shell = ").removesuffix(";"))
    needed = [*assets().modules("main.js"), "vendor/mqtt.js", "timer_worker.js", "style.css"]
    assert answer.mimetype == "text/javascript"
    assert answer.headers["Cache-Control"] == "no-cache"
    assert {f"/static/{shell['version']}/{name}" for name in needed} <= set(shell["files"])
    for path in (*shell["files"], shell["offline"]):
        assert site.browser().get(path).status_code == 200, path
    assert "No network" in site.browser().get(shell["offline"]).text


def test_a_script_that_a_page_asks_for_goes_without_the_rules_for_documents(site: Site) -> None:
    as_script = site.browser().get("/static/api.js", headers={"Sec-Fetch-Dest": "script"})
    as_worker = site.browser().get("/static/timer_worker.js", headers={"Sec-Fetch-Dest": "worker"})

    assert "Content-Security-Policy" not in as_script.headers
    assert as_script.headers["X-Content-Type-Options"] == "nosniff"
    assert "Content-Security-Policy" in as_worker.headers


def test_the_manifest_makes_it_an_application_that_can_be_installed(site: Site) -> None:
    answer = site.browser().get("/static/manifest.webmanifest")

    manifest = json.loads(answer.text)
    assert answer.mimetype == "application/manifest+json"
    assert (manifest["start_url"], manifest["display"]) == ("/", "standalone")
    pictures = [icon for icon in manifest["icons"] if icon["type"] == "image/png"]
    assert {icon["sizes"] for icon in pictures} == {"192x192", "512x512"}
    for icon in pictures:
        width, height = struct.unpack(">II", assets()[icon["src"]].content[16:24])
        assert f"{width}x{height}" == icon["sizes"]


def test_every_icon_draws_something(site: Site) -> None:
    templates = Path(site.app.jinja_loader.searchpath[0])
    named = {
        name
        for file in templates.rglob("*.html")
        for name in re.findall(r"icon\(\"(\w+)\"\)", file.read_text())
    }

    icon = site.app.jinja_env.get_template("icons.html").module.icon
    empty = [name for name in named if "<path" not in icon(name) and "<rect" not in icon(name)]

    assert len(named) > 10
    assert empty == []
