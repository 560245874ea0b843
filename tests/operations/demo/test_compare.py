"""The judge notices one row more or less, and what it judges was found without a look at the truth."""

import ast
import inspect
from collections import Counter

import pytest

from operations.demo import found, truth
from operations.demo.compare import compare
from operations.demo.simulator import Record
from tests.operations.demo import tiny


@pytest.fixture
def kept(tmp_path):
    record = Record(bodies={"repeat": Counter({"aa": 2}), "forged": Counter({"bb": 1})})
    path = tmp_path / "truth.json"
    truth.write(path, truth.planted(tiny.month(), record, tiny.ACCOUNTS))
    return path


def test_the_truth_is_read_back_as_it_was_written(kept):
    assert compare(kept, truth.read(kept)).ok


def test_every_key_that_is_planted_can_be_found(kept):
    assert truth.read(kept).keys() <= found.STATEMENTS.keys()


def test_each_missed_row_fails_the_comparison(kept):
    rows = truth.read(kept)
    for key, planted in rows.items():
        for row in planted:
            less = {**rows, key: planted - Counter([row])}
            verdict = compare(kept, less)
            assert not verdict.ok
            assert verdict.missed == {key: [row]}


def test_each_false_alarm_fails_the_comparison_even_when_the_counts_agree(kept):
    rows = truth.read(kept)
    for key, planted in rows.items():
        if planted:
            row = next(iter(planted))
            other = {**rows, key: planted - Counter([row]) + Counter(["another row"])}
            verdict = compare(kept, other)
            assert verdict.false_alarms == {key: ["another row"]}
            assert verdict.planted == verdict.found


def test_a_row_that_is_found_twice_is_a_false_alarm(kept):
    rows = truth.read(kept)
    assert not compare(kept, {**rows, "exact": rows["exact"] + rows["exact"]}).ok


def test_a_call_of_which_nobody_knows_how_often_it_arrived_is_left_out(kept):
    rows = truth.read(kept)
    assert compare(kept, {**rows, "redelivered": Counter({"aa": 3})}, doubtful={"aa"}).ok


def test_what_is_found_is_read_without_a_look_at_the_truth():
    imported = {
        name
        for node in ast.walk(ast.parse(inspect.getsource(found)))
        if isinstance(node, ast.Import | ast.ImportFrom)
        for name in ([node.module] if isinstance(node, ast.ImportFrom) else [alias.name for alias in node.names])
    }
    assert imported == {"collections", "collections.abc", "sqlalchemy"}
