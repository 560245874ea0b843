"""The description of the API, for everybody: it names operations and shapes, no school and no key."""

from importlib import resources

from flask import Blueprint, Response, request

from payments.web.security import Open

blueprint = Blueprint("api_description", __name__)
ACCESS = Open.PUBLIC
DOCUMENT = resources.files("payments.api").joinpath("openapi.json").read_bytes()


@blueprint.get("/api/openapi.json")
def show() -> Response:
    """OpenAPI 3.1."""
    response = Response(DOCUMENT, mimetype="application/json")
    response.add_etag()
    response.headers["Cache-Control"] = "public, no-cache"
    response.make_conditional(request)
    return response
