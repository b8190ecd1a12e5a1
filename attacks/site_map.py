"""All that the site answers to, as it tells itself: pages and calls, each with its fields."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from msgspec.structs import fields

from attacks.place import Place
from mqtt_acl.issuers import issuer_for
from web import create_app
from web.contract.operations import operation_of

_OF_FORMS = (
    *("account", "password", "display_name", "invitation", "code", "recovery", "link", "next"),
    *("messages", "beginning", "after", "before", "csrf_token"),
)


@dataclass(frozen=True)
class Route:
    """`path` has `<…>` where something varies; `names` are those of what it reads."""

    path: str
    methods: Sequence[str]
    names: Sequence[str]


def routes_of(place: Place) -> Sequence[Route]:
    """Every one, in the order in which the site lists them."""
    return list(_routes(place))


def _routes(place: Place) -> Iterator[Route]:
    issuer = issuer_for(place.settings, place.secrets)
    app = create_app(place.settings, place.secrets, issuer, place.installation.database)
    for rule in app.url_map.iter_rules():
        told = operation_of(app.view_functions[rule.endpoint])
        kinds = [each for each in (told.body, told.query) if each] if told else []
        names = [field.name for kind in kinds for field in fields(kind)]
        methods = sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})
        yield Route(rule.rule, methods, names or _OF_FORMS)
