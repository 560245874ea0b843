"""Texts to paste: for the group of a class, and for each parent alone; as page, text, CSV and workbook."""

import io

from flask import Blueprint, Response, render_template, request, send_file
from flask.typing import ResponseReturnValue

from payments.audit.service import record
from payments.console.desk import desk_of
from payments.console.notices import words
from payments.console.notices.campaigns import outside
from payments.errors import NotFoundError
from payments.notices import class_texts, queries
from payments.notices.class_texts import ClassTexts
from payments.notices.wording import LANGUAGES
from payments.web.context import db_session, row_id

TYPES = {
    "txt": "text/plain; charset=utf-8",
    "csv": "text/csv; charset=utf-8",
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
}


def add_to(blueprint: Blueprint) -> None:
    """Add the routes."""
    blueprint.add_url_rule("/<code>/notices/classes/", "class_texts", page)
    blueprint.add_url_rule("/<code>/notices/classes/file.<any(txt,csv,xlsx):kind>", "class_texts_file", file)


def page(code: str) -> ResponseReturnValue:
    """One class of a round: the group's text, and a row for each pupil with a copy button."""
    with db_session() as session:
        desk = desk_of(session, code)
        rounds = queries.rounds(session, desk.school_id)
        round_id = _number("round") or next((row["id"] for row in rounds), None)
        if round_id is not None and round_id not in {row["id"] for row in rounds}:
            raise NotFoundError
        classes = class_texts.classes_of(session, desk.school_id, round_id) if round_id else []
        class_id = _number("class") or next((one[0] for one in classes), None)
        language = _language()
    told = _texts(code, round_id, class_id, language, "links.viewed") if round_id and class_id else None
    return render_template(
        "console/notices/classes.html",
        desk=desk,
        rounds=rounds,
        classes=classes,
        round_id=round_id,
        class_id=class_id,
        text_language=language,
        told=told,
        words=words,
    )


def file(code: str, kind: str) -> Response:
    """The same as a file: «txt» is the group's text alone, the others hold links and are put on record."""
    round_id, class_id = _number("round") or 0, _number("class") or 0
    told = _texts(code, round_id, class_id, _language(), None if kind == "txt" else "links.exported")
    data = _file(told, kind)
    name = f"thong-bao-{round_id}-lop-{class_id}.{kind}"
    return send_file(io.BytesIO(data), mimetype=TYPES[kind], as_attachment=True, download_name=name)


def _file(told: ClassTexts, kind: str) -> bytes:
    if kind == "xlsx":
        return class_texts.as_xlsx(told)
    return class_texts.as_csv(told) if kind == "csv" else told.group.encode()


def _texts(code: str, round_id: int, class_id: int, language: str, deed: str | None) -> ClassTexts:
    """The texts of a class. ``deed``: who sees their links is on record, how many of which class, never a name."""
    with db_session() as session:
        desk = desk_of(session, code)
        if class_id not in dict(class_texts.classes_of(session, desk.school_id, round_id)):
            raise NotFoundError
        about, languages = class_texts.for_paste(desk.school_id, round_id, language)
        told = class_texts.texts_for(session, outside(), about, class_id, languages)
        if deed:
            record(
                session,
                desk.actor.user_id,
                deed,
                subject_kind="class",
                subject_id=class_id,
                school_id=desk.school_id,
                detail={"round_id": round_id, "links": len(told.lines)},
            )
        return told


def _language() -> str:
    asked = request.args.get("language", "vi")
    if asked not in LANGUAGES:
        raise NotFoundError
    return asked


def _number(name: str) -> int | None:
    """A number of the address. Raises NotFoundError for what is none."""
    given = request.args.get(name)
    try:
        return row_id(given) if given else None
    except ValueError:
        raise NotFoundError from None
