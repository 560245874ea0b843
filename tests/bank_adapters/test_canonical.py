"""JSON rebuilt for signatures."""

from bank_adapters import canonical
from bank_adapters.strict_json import loads


def test_every_language_is_tried_once_and_javascript_first() -> None:
    value = loads('{"b":[{"d":"9/2026","c":null}],"a":599000.0,"é":true}'.encode())
    assert list(canonical.forms(value)) == [
        '{"a":599000.0,"b":[{"c":null,"d":"9/2026"}],"é":true}',
        '{"a":599000.0,"b":[{"c":null,"d":"9/2026"}],"\\u00e9":true}',
        '{"a":599000.0,"b":[{"c":null,"d":"9\\/2026"}],"\\u00e9":true}',
        '{"a":599000,"b":[{"c":null,"d":"9/2026"}],"é":true}',
        '{"a":599000,"b":[{"c":null,"d":"9/2026"}],"\\u00e9":true}',
        '{"a":599000,"b":[{"c":null,"d":"9\\/2026"}],"\\u00e9":true}',
    ]


def test_numbers_as_javascript_prints_them() -> None:
    assert canonical.as_javascript("599000.00") == "599000"
    for unchanged in ("599000", "1.50", "1e5", "-3"):
        assert canonical.as_javascript(unchanged) == unchanged


def test_escapes_inside_texts_are_those_of_json() -> None:
    value = loads(b'["a\\"b\\\\c\\n\\u001f", "\\ud83d\\ude00"]')
    assert next(canonical.forms(value)) == '["a\\"b\\\\c\\n\\u001f","😀"]'
    assert list(canonical.forms(value))[1] == '["a\\"b\\\\c\\n\\u001f","\\ud83d\\ude00"]'


def test_the_escapes_of_go_are_tried_last() -> None:
    value = loads('"A&B <é> \\u2028"'.encode())
    assert list(canonical.forms(value))[:3] == [
        '"A&B <é> \u2028"',
        '"A&B <\\u00e9> \\u2028"',
        '"A\\u0026B \\u003cé\\u003e \\u2028"',
    ]
