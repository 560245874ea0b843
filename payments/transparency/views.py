"""The public pages of a school: its accounts and how to check what somebody sent; its fees and what came in.

Meant to be found and kept by anybody: no cookie, no script, the same bytes for everybody, kept a minute by caches. They
read nothing of a session, so that nothing of a visitor can reach a cache.
"""

import hashlib
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from flask import Blueprint, Response, render_template, request, url_for
from flask.typing import ResponseReturnValue

from payments import clock
from payments.banking.public import is_own_number, public_accounts
from payments.banking.standing import PublicAccount, last_change
from payments.errors import NotFoundError
from payments.portal.rules import SAMPLE_BINS
from payments.throttle.rules import Limit
from payments.transparency import files, queries, rules
from payments.transparency.queries import PublicSchool, Published
from payments.transparency.rules import Finding
from payments.vietqr import Style, VietQR, encode
from payments.vietqr.render import render_svg
from payments.web.context import db_session, language, services
from payments.web.security import Open, csrf
from payments.web.visitors import limit_visitor

blueprint = Blueprint("transparency", __name__, template_folder="templates", url_prefix="/s")
ACCESS = Open.PUBLIC

KEPT = "public, max-age=60"
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
LAST_PAGE = 1_000
VISITS = Limit("school.pages", 1_200, timedelta(minutes=10))
"""Pages, files and pictures for one network: a whole village may sit behind one address of a mobile provider."""


@blueprint.before_request
def _limited() -> None:
    """Every address of this blueprint, before it looks anything up. Raises TooManyTriesError."""
    limit_visitor(VISITS)


@blueprint.context_processor
def _links() -> dict[str, object]:
    return {"link": _link, "other_language": _other_language}


def _link(endpoint: str, **values: Any) -> str:
    """An address in the language of the page, without what is empty."""
    named = {name: value for name, value in values.items() if value != ""}
    if language() == "en":
        named["lang"] = "en"
    return url_for(endpoint, **named)


def _other_language() -> str:
    """This page in the other language; of an answer to a form, the page that holds the form."""
    kept = {name: value for name, value in request.args.items() if name in {"q", "page", "year"}}
    named = {**(request.view_args or {}), **kept, **({} if language() == "en" else {"lang": "en"})}
    return url_for("transparency.trust" if request.method == "POST" else request.endpoint or "", **named)


@blueprint.get("/")
def schools() -> ResponseReturnValue:
    """The schools of this installation, found by name or code, with marks or without."""
    words = " ".join(request.args.get("q", "").split())
    page = _page_number()
    with db_session() as session:
        found, count = queries.schools(session, words, page)
    html = render_template(
        "transparency/schools.html", words=words, schools=found, count=count, page=page, size=queries.PAGE
    )
    return _kept(Response(html), indexed=not words)


@blueprint.get("/<code>")
def trust(code: str) -> ResponseReturnValue:
    """Which accounts are the school's, what nobody from it ever asks, and how to check."""
    with db_session() as session:
        school = queries.school(session, code)
        accounts = public_accounts(session, school.id, clock.now())
    return _kept(Response(_trust_page(school, accounts)))


@blueprint.post("/<code>")
def check(code: str) -> ResponseReturnValue:
    """Whether an account number is the school's. It asks and changes nothing, so it needs no token and no cookie.

    The number is posted, lest it stand in an address: in the visitor's history and in logs.
    """
    typed = request.form.get("account", "")
    with db_session() as session:
        school = queries.school(session, code)
        accounts = public_accounts(session, school.id, clock.now())
        number = rules.typed_number(typed)
        own = number is not None and is_own_number(session, school.id, number)
    finding, named = rules.find(number, accounts, own=own)
    answer = Response(_trust_page(school, accounts, finding=finding, named=named, typed=number or typed[:40]))
    answer.headers["Cache-Control"] = "no-store"
    return answer


csrf.exempt(check)


@blueprint.get("/<code>/qr/<int:account_id>.svg")
def picture(code: str, account_id: int) -> ResponseReturnValue:
    """The QR of an account in use, without amount and memo: to compare what a bank's app shows."""
    with db_session() as session:
        school = queries.school(session, code)
        accounts = public_accounts(session, school.id, clock.now())
    account = next((one for one in accounts if one.id == account_id and one.standing == "in_use"), None)
    if account is None:
        raise NotFoundError
    payload = encode(VietQR(bin=account.bin, account=account.number, service="account"))
    mark = "MẪU" if account.bin in SAMPLE_BINS else ""
    return _kept(Response(render_svg(payload, Style(template="qr_only", mark=mark)), mimetype="image/svg+xml"))


@blueprint.get("/<code>/cong-khai")
def fees(code: str) -> ResponseReturnValue:
    """The published rounds of a year, item by item."""
    school, years, year, rounds = _published(code)
    html = render_template(
        "transparency/fees.html",
        school=school,
        years=years,
        year=year,
        rounds=rounds,
        **files.WORDS,
        fewest=rules.FEWEST,
    )
    return _kept(Response(html))


@blueprint.get("/<code>/cong-khai.<kind>")
def fees_file(code: str, kind: str) -> ResponseReturnValue:
    """The same as CSV or XLSX."""
    if kind not in {"csv", "xlsx"}:
        raise NotFoundError
    school, _, year, rounds = _published(code)
    if kind == "csv":
        answer = Response(files.csv_text(rounds, language()), mimetype="text/csv")
    else:
        answer = Response(files.workbook(rounds, language()), mimetype=XLSX)
    answer.headers["Content-Disposition"] = f'attachment; filename="cong-khai-{school.code}-{year}.{kind}"'
    return _kept(answer)


def _published(code: str) -> tuple[PublicSchool, list[str], str, list[Published]]:
    with db_session() as session:
        school = queries.school(session, code)
        known = queries.published_rounds(session, school.id)
        years = list(dict.fromkeys(one.year for one in known))
        wanted = request.args.get("year", "")
        year = wanted if wanted in years else (years[0] if years else "")
        chosen = [one for one in known if one.year == year]
        figures = queries.kept_figures(session, school.id, [one.id for one in chosen])
        return school, years, year, queries.with_items(session, school.id, chosen, figures)


def _trust_page(
    school: PublicSchool,
    accounts: Sequence[PublicAccount],
    *,
    finding: Finding | None = None,
    named: Sequence[PublicAccount] = (),
    typed: str = "",
) -> str:
    base_url = services().settings.base_url
    host = base_url.partition("://")[2].partition("/")[0]
    return render_template(
        "transparency/trust.html",
        school=school,
        accounts=accounts,
        changed_at=last_change(accounts),
        day_of=clock.day_of,
        base_url=base_url,
        host=host,
        look_alike=rules.look_alike(host),
        finding=finding,
        named=named,
        typed=typed,
    )


def _page_number() -> int:
    given = request.args.get("page", "1")
    return min(max(int(given), 1), LAST_PAGE) if given.isascii() and given.isdigit() and len(given) < 8 else 1


def _kept(answer: Response, *, indexed: bool = True) -> Response:
    """For everybody's caches, and for search engines: unlike a parent's page, this one should be found."""
    answer.set_etag(hashlib.sha256(answer.get_data()).hexdigest()[:20])
    answer.headers["Cache-Control"] = KEPT
    answer.headers["X-Robots-Tag"] = "all" if indexed else "noindex, follow"
    answer.make_conditional(request)
    return answer
