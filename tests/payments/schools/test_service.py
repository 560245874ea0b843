"""The tree of offices and schools is dated: moves keep history, and circles are refused."""

from datetime import date

import pytest
from sqlalchemy import select

from payments.errors import ConflictError, DomainError
from payments.ledger.models import ChartMapping
from payments.schools import queries, service
from payments.schools.models import OrganisationKind
from payments.schools.rules import SchoolLevel

BEFORE, REFORM, AFTER = date(2024, 9, 5), date(2025, 7, 1), date(2026, 1, 1)


@pytest.fixture
def tree(session):
    """A department, a district until the reform and a commune since, and a school that changed hands."""
    department = service.create_organisation(session, code="SO", name="Sở (mẫu)", kind=OrganisationKind.DEPARTMENT)
    offices = {
        code: service.create_organisation(
            session, code=code, name=code, kind=OrganisationKind.MIDDLE, parent_id=department, from_day=BEFORE
        )
        for code in ("HUYEN", "XA")
    }
    school = service.create_school(
        session,
        code="TH-MAU-1",
        name="Trường Tiểu học Hoa Phượng (mẫu)",
        level=SchoolLevel.PRIMARY,
        parent_id=offices["HUYEN"],
        from_day=BEFORE,
    )
    service.move_organisation(session, school, offices["XA"], REFORM)
    return {"SO": department, "school": school, **offices}


def test_a_move_keeps_the_history(session, tree):
    assert queries.parent_on(session, tree["school"], BEFORE) == tree["HUYEN"]
    assert queries.parent_on(session, tree["school"], date(2025, 6, 30)) == tree["HUYEN"]
    assert queries.parent_on(session, tree["school"], REFORM) == tree["XA"]
    assert queries.parent_on(session, tree["school"], date(2020, 1, 1)) is None


def test_the_tree_below_an_office_is_that_of_the_day(session, tree):
    assert queries.schools_under(session, tree["HUYEN"], BEFORE) == [tree["school"]]
    assert queries.schools_under(session, tree["HUYEN"], AFTER) == []
    assert queries.schools_under(session, tree["XA"], AFTER) == [tree["school"]]
    assert queries.schools_under(session, tree["SO"], AFTER) == [tree["school"]]
    assert queries.subtree(session, tree["SO"], AFTER) == sorted(tree.values())


def test_moving_to_where_it_stands_changes_nothing(session, tree):
    service.move_organisation(session, tree["school"], tree["XA"], AFTER)
    assert queries.parent_on(session, tree["school"], AFTER) == tree["XA"]


def test_a_move_into_the_past_of_a_move_is_refused(session, tree):
    with pytest.raises(ConflictError) as refused:
        service.move_organisation(session, tree["school"], tree["SO"], date(2025, 1, 1))
    assert refused.value.code == "moved_later"


@pytest.mark.parametrize(("child", "parent"), [("SO", "XA"), ("SO", "SO"), ("XA", "school")])
def test_no_office_comes_to_stand_below_itself_or_below_a_school(session, tree, child, parent):
    with pytest.raises(DomainError) as refused:
        service.move_organisation(session, tree[child], tree[parent], AFTER)
    assert refused.value.code == "bad_parent"


def test_a_circle_in_the_future_is_refused_too(session, tree):
    service.move_organisation(session, tree["XA"], tree["HUYEN"], AFTER)
    with pytest.raises(DomainError) as refused:
        service.move_organisation(session, tree["HUYEN"], tree["XA"], date(2025, 10, 1))
    assert refused.value.code == "bad_parent"


def test_a_code_is_given_once(session, tree):
    with pytest.raises(ConflictError) as refused:
        service.create_organisation(session, code="SO", name="Sở khác", kind=OrganisationKind.DEPARTMENT)
    assert refused.value.code == "code_taken"


@pytest.mark.parametrize(
    ("code", "name"), [("mã có dấu", "Tên"), ("", "Tên"), ("A\x00", "Tên"), ("A", " "), ("A", "B\x00")]
)
def test_bad_codes_and_names_are_refused(session, code, name):
    with pytest.raises(DomainError):
        service.create_organisation(session, code=code, name=name, kind=OrganisationKind.MIDDLE)


def test_a_new_school_has_a_chart_of_accounts(session, tree):
    charts = session.scalars(select(ChartMapping.chart).where(ChartMapping.school_id == tree["school"])).all()
    assert set(charts) == {service.FIRST_CHART}


def test_a_missing_year_is_opened_and_found_again(session, tree):
    opened = service.ensure_year(session, tree["school"], date(2025, 10, 1))
    assert (opened.code, opened.starts_on, opened.ends_on) == ("2025-2026", date(2025, 8, 1), date(2026, 7, 31))
    assert service.ensure_year(session, tree["school"], date(2026, 5, 1)).id == opened.id
    assert service.ensure_year(session, tree["school"], AFTER, "2025-2026").id == opened.id
    assert service.ensure_year(session, tree["school"], AFTER, "2026-2027").starts_on == date(2026, 8, 1)


def test_a_day_between_two_years_belongs_to_the_year_of_its_name(session, tree):
    own = service.open_year(session, tree["school"], "2025-2026", date(2025, 9, 5), date(2026, 5, 31))
    assert service.ensure_year(session, tree["school"], date(2026, 6, 15)).id == own


@pytest.mark.parametrize("code", ["2025", "2025-2027", "25-26", "2025-2026\n"])
def test_years_are_named_like_2025_2026(session, tree, code):
    with pytest.raises(DomainError) as refused:
        service.ensure_year(session, tree["school"], AFTER, code)
    assert refused.value.code == "bad_year"
