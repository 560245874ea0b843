"""The description of the API, for everybody: it names operations and shapes, no school and no key."""

from importlib import resources

from flask import Blueprint, Response, current_app, request

from payments.web.security import Open

blueprint = Blueprint("api_description", __name__)
ACCESS = Open.PUBLIC
SERVED = "hocphi api description"
"""Where an application keeps the description that it serves, when packages above add operations."""
DOCUMENT = resources.files("payments.api").joinpath("openapi.json").read_bytes()


@blueprint.get("/api/openapi.json")
def show() -> Response:
    """OpenAPI 3.1."""
    response = Response(current_app.extensions.get(SERVED, DOCUMENT), mimetype="application/json")
    response.add_etag()
    response.headers["Cache-Control"] = "public, no-cache"
    response.make_conditional(request)
    return response
