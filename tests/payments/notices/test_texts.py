"""Texts that a school edits: what may stand in one, and that nothing in one is ever executed."""

import pytest

from payments.errors import DomainError
from payments.notices.defaults import DEFAULTS
from payments.notices.rules import Kind
from payments.notices.texts import (
    ALLOWED,
    CLOSING,
    OPENING,
    PLACEHOLDERS,
    Template,
    as_html,
    check,
    check_plain,
    cleaned,
    filled,
    letter_text,
)
from payments.notifications.channels.email import one_line

GOOD = Template("{ten_truong}: nhắc nộp", "Kính gửi phụ huynh em {ten_rut_gon}.\n{duong_dan}")
PREVIEW = 140
"""Characters that lock screens and lists of letters show, at the most."""


def refused(subject: str | None = None, body: str | None = None, kind: Kind = Kind.REMINDER) -> str:
    template = Template(GOOD.subject if subject is None else subject, GOOD.body if body is None else body)
    with pytest.raises(DomainError) as caught:
        check(kind, cleaned(template))
    return caught.value.code


@pytest.mark.parametrize(("kind", "language"), DEFAULTS)
def test_what_hocphi_brings_passes_its_own_rules(kind, language):
    template = Template(*DEFAULTS[kind, language])
    check(kind, template)
    assert cleaned(template) == template


@pytest.mark.parametrize(
    "attack",
    [
        *("{0.__class__}", "{ten_truong.__class__}", "{ten_truong!r}", "{ten_truong:>9999}", "{}", "{0}", "}", "{"),
        *("{{7*7}}", "{% for x in y %}", "{{ config }}", "{TEN_TRUONG}", "{ten_truong", "{ten_trường}", "{so_tien}"),
    ],
)
def test_a_brace_that_is_no_placeholder_is_named(attack):
    assert refused(body=f"{GOOD.body} {attack}") == "unknown_placeholder"
    assert refused(subject=f"Nhắc {attack}") == "unknown_placeholder"


def test_an_unknown_placeholder_is_told_with_the_way_out():
    with pytest.raises(DomainError) as caught:
        check(Kind.REMINDER, Template(GOOD.subject, GOOD.body + " {so_tien}"))
    assert "{so_tien}" in caught.value.vi
    assert "{duong_dan}" in caught.value.vi


@pytest.mark.parametrize(
    "link",
    [
        *(
            "https://hoc-phi.example",
            "HTTP://x",
            "www.lua-dao",
            "truong.com",
            "truong.com.vn",
            "bit.ly/3xY",
            "a.b-c.vn",
        ),
        *("zalo.me/0912", "javascript:alert(1)", "mailto:a", "me@truong", "ｗｗｗ．lua", "truong。vn", "1.2.3.4"),
        *("truong．vn", "t.me", "hocphi.site"),
    ],
)
def test_no_link_but_ours(link):
    assert refused(body=f"{GOOD.body}\nNộp tại {link}") == "foreign_link"


@pytest.mark.parametrize(
    "number", ["0123456789", "1023 456 789", "1903.6789.2341", "012-345-6789", "０１２３４５６７８９"]
)
def test_no_account_number(number):
    assert refused(body=f"{GOOD.body}\nChuyển vào {number}") == "long_number"


@pytest.mark.parametrize(
    "innocent", ["TP.HCM", "Q.1", "20/09/2025", "7g30-16g30", "Th.S Lan", "ban 1.250.000 em", "1/9–5/9"]
)
def test_ordinary_writing_is_no_link_and_no_account(innocent):
    check(Kind.REMINDER, Template(GOOD.subject, f"{GOOD.body}\n{innocent}"))


@pytest.mark.parametrize("hidden", ["\u200b", "\u202e", "\ufeff", "\x00", "\x1b", "\u2066"])
def test_characters_that_nobody_sees_are_refused(hidden):
    assert refused(body=GOOD.body + hidden + ".") == "hidden_characters"


def test_a_link_cannot_hide_behind_characters_that_nobody_sees():
    with pytest.raises(DomainError):
        check_plain("tru\u200bong.c\u200bom")


@pytest.mark.parametrize("line_end", ["\r\n", "\n", "\r", "\u2028"])
def test_a_subject_is_one_line(line_end):
    assert refused(subject=f"Nhắc{line_end}Bcc: ai.do") in {"subject_lines", "hidden_characters"}


@pytest.mark.parametrize("name", ["ten_rut_gon", "lop", "duong_dan"])
def test_a_subject_names_no_child(name):
    assert refused(subject=f"Nhắc {{{name}}}") == "unknown_placeholder"


def test_a_text_without_its_link_is_refused():
    assert refused(body="Kính gửi phụ huynh") == "placeholder_missing"


@pytest.mark.parametrize("name", sorted(set(PLACEHOLDERS) - ALLOWED[Kind.GROUP]))
def test_a_group_is_told_nothing_of_one_child(name):
    assert refused("", f"{{tra_cuu}} {{{name}}}", Kind.GROUP) == "unknown_placeholder"


@pytest.mark.parametrize(("subject", "body"), [("", GOOD.body), ("a" * 121, GOOD.body), ("a", ""), ("a", "a" * 1201)])
def test_lengths_are_bounded(subject, body):
    assert refused(subject, body) in {"subject_length", "body_length"}


def test_a_value_that_looks_like_a_placeholder_stays_a_value():
    assert filled("{dot_thu} {duong_dan}", {"dot_thu": "{duong_dan}", "duong_dan": "L"}) == "{duong_dan} L"
    assert filled("{dot_thu}", {"dot_thu": r"\1 {0.__class__} {{7*7}}"}) == r"\1 {0.__class__} {{7*7}}"


def test_html_shows_what_was_written_and_links_only_our_addresses():
    shown = as_html('<script>alert(1)</script> & "em"\n\nhttps://hocphi.example/p/abc\n\njavascript:alert(1)')
    assert "<script>" not in shown
    assert "&lt;script&gt;" in shown
    assert shown.count("<a ") == 1
    assert '<a href="https://hocphi.example/p/abc">' in shown


def test_the_first_lines_of_a_letter_are_about_nobody_and_the_last_say_how_to_check():
    values = {"ten_truong": "TH Mẫu", "ten_rut_gon": "Nguyễn M. An", "duong_dan": "L", "kiem_tra": "K", "phi": "0 đ"}
    text = letter_text({"vi": GOOD}, ("vi",), values)
    assert len(OPENING.vi) > PREVIEW
    assert len(OPENING.en) > PREVIEW
    assert "An" not in text[:PREVIEW]
    assert "K\n" in text
    assert "{" not in text
    assert "{phi}" in CLOSING.en


def test_a_header_is_one_line_whatever_a_name_holds():
    assert one_line("Trường\r\nBcc: a@b.example\x00\u2028x") == "Trường Bcc: a@b.example x"
