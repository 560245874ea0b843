"""Texts of the school: edited beside what they give, checked when they are kept, every version on record."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue

from payments.console.desk import desk_of
from payments.console.notices import words
from payments.console.notices.campaigns import outside
from payments.errors import DomainError
from payments.i18n import Language, pick_language
from payments.notices import queries, texts, wording
from payments.notices.defaults import DEFAULTS
from payments.notices.previews import example
from payments.notices.rules import Kind
from payments.notices.texts import Template
from payments.web.context import db_session, say

_KINDS = ",".join(Kind)


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    one = f"/<code>/notices/texts/<any({_KINDS}):kind>/<any(vi,en):language>"
    blueprint.add_url_rule("/<code>/notices/texts/", "notice_texts", overview)
    blueprint.add_url_rule(one, "notice_text", edit)
    blueprint.add_url_rule(one, "save_notice_text", save, methods=["POST"])
    blueprint.add_url_rule(f"{one}/reset", "reset_notice_text", reset, methods=["POST"])


def overview(code: str) -> ResponseReturnValue:
    """All texts in both languages."""
    with db_session() as session:
        desk = desk_of(session, code)
        found = [
            (kind.value, language, wording.template_of(session, desk.school_id, kind, language))
            for kind, language in DEFAULTS
        ]
    return render_template("console/notices/texts.html", desk=desk, found=found, words=words)


def edit(code: str, kind: str, language: str) -> ResponseReturnValue:
    """The editor with the text of today."""
    return _page(code, (Kind(kind), pick_language(language)), None, None)


def save(code: str, kind: str, language: str) -> ResponseReturnValue:
    """Keep a text, or say what is wrong with it and keep what was typed on the page; «look» only shows it."""
    which = (Kind(kind), pick_language(language))
    typed = texts.cleaned(Template(request.form.get("subject", ""), request.form.get("body", "")))
    try:
        texts.check(which[0], typed)
        if "look" in request.form:
            return _page(code, which, typed, None)
        with db_session() as session:
            desk = desk_of(session, code, "accountant", "principal")
            wording.save_template(session, desk.school_id, desk.actor.user_id, which, typed)
    except DomainError as error:
        if error.status != DomainError.status:
            raise
        return _page(code, which, typed, error), error.status
    flash(say("Đã lưu. Đợt gửi đang chạy vẫn dùng nội dung cũ.", "Kept. A campaign that runs keeps its text."), "ok")
    return redirect(url_for("console.notice_text", code=code, kind=kind, language=language), code=303)


def reset(code: str, kind: str, language: str) -> ResponseReturnValue:
    """Back to the text that hocphi brings."""
    with db_session() as session:
        desk = desk_of(session, code, "accountant", "principal")
        which = (Kind(kind), pick_language(language))
        wording.save_template(session, desk.school_id, desk.actor.user_id, which, None)
    flash(say("Đã dùng lại nội dung mẫu.", "The usual text is used again."), "ok")
    return redirect(url_for("console.notice_text", code=code, kind=kind, language=language), code=303)


def _page(code: str, which: tuple[Kind, Language], typed: Template | None, fault: DomainError | None) -> str:
    kind, language = which
    with db_session() as session:
        desk = desk_of(session, code)
        shown = typed or wording.template_of(session, desk.school_id, kind, language)
        sample = None if fault else example(session, outside(), desk.school_id, which, shown)
        versions = queries.versions(session, desk.school_id, kind.value, language)
    usable = [name for name in texts.PLACEHOLDERS if name in texts.ALLOWED[kind]]
    return render_template(
        "console/notices/text.html",
        desk=desk,
        kind=kind.value,
        text_language=language,
        template=shown,
        sample=sample,
        fault=fault,
        versions=versions,
        usable=[(name, texts.PLACEHOLDERS[name], name in texts.IN_SUBJECTS) for name in usable],
        required=texts.REQUIRED[kind],
        most=(texts.MOST_SUBJECT, texts.MOST_BODY),
        words=words,
    )
