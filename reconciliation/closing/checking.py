"""Hold given files against keys alone, or against the chain of the database."""

import json
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import cache

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from payments.crypto import FieldCipher
from payments.errors import DomainError, NotFoundError
from payments.schools.models import School
from reconciliation.closing import chain, papers, signing, workbook
from reconciliation.closing.service import results_sha256
from reconciliation.closing.verifying import (
    Found,
    Known,
    broken_link,
    judge_files,
    judge_minutes,
    judge_signed,
)

WITH_CLOSES = text("SELECT s.id, s.code FROM school s JOIN books_closed b ON b.school_id = s.id ORDER BY s.code")
ZIP = b"PK\x03\x04"
PDF = b"%PDF"
NAMED = signing.FORMAT.partition("/")[0].encode()
"""What has our name in it is judged, however it was changed; what has not is no file of ours."""
MOST_BYTES = 64 * 1024 * 1024


def judge(files: Sequence[tuple[str, bytes]], known: Callable[[str], Known]) -> list[Found]:
    """Judge JSON and PDF files by what is known of their school.

    Raises ValueError for a workbook: it carries no signature, so only a database can say what it should be.
    """
    return judge_files([_one(name, data, known) for name, data in files])


def judge_with(session: Session, cipher: FieldCipher, files: Sequence[tuple[str, bytes]]) -> list[Found]:
    """Judge files, workbooks too, against the chain of the database."""

    @cache
    def known(school: str) -> Known:
        school_id = session.scalar(select(School.id).where(School.code == school))
        return Known({}, []) if school_id is None else papers.known_of(session, school_id)

    found = []
    for name, data in files:
        one = _workbook(session, cipher, name, data) if data.startswith(ZIP) else _one(name, data, known)
        links = known(one.school).links if one.school else None
        if links and one.verdict in {"valid", "superseded"} and broken_link(links, known(one.school).keys):
            one = replace(one, verdict="chain_broken", chain="database")
        found.append(one)
    return judge_files(found)


def _one(name: str, data: bytes, known: Callable[[str], Known]) -> Found:
    if data.startswith(ZIP):
        raise ValueError(f"{name}: tệp Excel không mang chữ ký, chỉ kiểm tra được khi có cơ sở dữ liệu")
    if len(data) > MOST_BYTES:
        raise ValueError(f"{name}: tệp quá lớn")
    if data.startswith(PDF):
        minutes = signing.open_minutes(data)
        return judge_minutes(name, data, known(minutes.school if minutes else ""))
    if not data.lstrip().startswith(b"{") and NAMED not in data.replace(b"\0", b""):
        raise ValueError(f"{name}: không phải biên bản đối chiếu của hệ thống (tệp .json, .pdf hoặc .xlsx)")
    return judge_signed(name, data, known(_school_in(data)))


def _workbook(session: Session, cipher: FieldCipher, name: str, data: bytes) -> Found:
    """A workbook is right when it is, byte for byte, the one that we would write again."""
    mark = workbook.mark_of(data)
    if mark is None:
        return Found(name, "altered")
    school_id = session.scalar(select(School.id).where(School.code == mark[0]))
    try:
        link = chain.link(session, school_id or 0, mark[1])
        same = papers.write(session, cipher, link, "xlsx") == data
    except (NotFoundError, DomainError):
        return Found(name, "chain_broken", mark[0], mark[1], chain="database")
    if not same:
        return Found(name, "altered", mark[0], mark[1], chain="database")
    return judge_signed(name, papers.write(session, cipher, link, "json"), papers.known_of(session, link.school_id))


def _school_in(data: bytes) -> str:
    """The school that a signed file names; whether it may is for the keys to say."""
    try:
        code = json.loads(data)["document"]["school"]["code"]
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
    return code if isinstance(code, str) and code.isprintable() else ""


def broken_closes(session: Session) -> list[str]:
    """What does not hold in the chains of all schools: links, signatures, and runs that hold something else."""
    found = []
    for school_id, code in session.execute(WITH_CLOSES):
        known = papers.known_of(session, school_id)
        broken = broken_link(known.links or (), known.keys)
        found += [f"school {code}: {broken}"] if broken else []
        found += [f"school {code}: {one}" for one in _other_results(session, school_id)]
    return found


def _other_results(session: Session, school_id: int) -> list[str]:
    """Runs that hold something else than what the standing closes signed."""
    signed = {
        run["id"]: run["results_sha256"]
        for close in chain.standing(session, school_id)
        for account in json.loads(chain.link(session, school_id, close.sequence).document).get("accounts", [])
        for run in account["runs"]
    }
    return [
        f"run {run_id} does not hold what was signed"
        for run_id, sha256 in signed.items()
        if results_sha256(session, run_id) != sha256
    ]
