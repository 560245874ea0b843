"""The kit for an adapter's own tests: one class with one test for each check.

```python
from pathlib import Path

from bank_adapters.conformance import AdapterConformance
from hocphi_mybank import adapter


class TestMyBank(AdapterConformance):
    adapter = adapter
    samples = Path(adapter.__file__).parent / "samples"
```
"""

from functools import cache
from pathlib import Path
from typing import Any, ClassVar

from bank_adapters.conformance.kit import run_check, vectors_check
from bank_adapters.conformance.samples import samples_in
from bank_adapters.conformance.subject import Subject
from bank_adapters.conformance.vectors import check_vector


class AdapterConformance:
    """Derive from it in a test module; every method is a test, collected by pytest and needing nothing else.

    `adapter` is the module, `samples` the folder of its vectors. A check that fails, or that found nothing to try,
    raises AssertionError with its words.
    """

    adapter: ClassVar[Any]
    samples: ClassVar[Path]

    def test_every_sample_gives_what_it_expects(self) -> None:
        """All of them, and some are accepted and some refused."""
        subject = _subject(self.adapter, self.samples)
        found = vectors_check(self.adapter.NAME, [check_vector(vector, self.adapter) for vector in subject.vectors])
        _hold(holds=found.passed is True, words=found.detail)
        verdicts = {vector.get("expect", {}).get("valid") for vector in subject.vectors}
        _hold(holds={True, False} <= verdicts, words="samples need some that are accepted and some that are refused")

    def test_it_keeps_the_interface(self) -> None:
        """Names, kinds, arguments, the docstring's table."""
        self.check("interface")

    def test_no_forgery_is_believed(self) -> None:
        """Whatever is changed, left out, cut or moved."""
        self.check("forgery")

    def test_only_live_keys_count_and_both_do(self) -> None:
        """Another, empty or absent key; two live ones."""
        self.check("keys")

    def test_header_names_have_no_case(self) -> None:
        """As HTTP says."""
        self.check("headers")

    def test_a_field_given_twice_is_not_read(self) -> None:
        """One reading or none."""
        self.check("doubles")

    def test_old_and_early_messages_are_refused_where_the_scheme_has_a_clock(self) -> None:
        """And nowhere else."""
        self.check("clock")

    def test_a_repeated_delivery_is_the_same_fact(self) -> None:
        """Equal transactions and keys, and success."""
        self.check("replay")

    def test_amounts_are_whole_dong(self) -> None:
        """No fraction, exponent, sign or NaN."""
        self.check("amounts")

    def test_moments_have_a_zone(self) -> None:
        """Wherever the server stands."""
        self.check("time_zone")

    def test_every_outcome_has_an_answer(self) -> None:
        """And no refusal looks like success."""
        self.check("answers")

    def test_nothing_private_is_let_out(self) -> None:
        """By exceptions, verdicts, logs and refusals."""
        self.check("redaction")

    def test_secrets_are_compared_in_constant_time(self) -> None:
        """In the source and while it runs."""
        self.check("comparison")

    def test_random_requests_do_no_harm(self) -> None:
        """A thousand of them, the same every time."""
        self.check("fuzz")

    def check(self, name: str) -> None:
        """Run one check of the kit by its name; raises AssertionError."""
        found = run_check(self.adapter.NAME, _subject(self.adapter, self.samples), name)
        _hold(holds=found.passed is True, words=found.detail)


@cache
def _subject(adapter: Any, samples: Path) -> Subject:
    return Subject(adapter, samples_in(samples))


def _hold(*, holds: bool, words: str) -> None:
    if not holds:
        raise AssertionError(words)
