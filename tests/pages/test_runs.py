"""What came of the runs of jobs, in words (SPEC P1, P5)."""

from __future__ import annotations

from datetime import UTC, datetime

import polars as pl
import pytest

from lib.ui.runs import figures_text, told
from lib.words import Language

COUNTED = {"publication": 2, "batches": 42, "added": 11200, "late": 0, "new_thing": 3, "state": "half"}


@pytest.mark.spec("P1")
@pytest.mark.parametrize(
    ("language", "text"),
    [
        (Language.EN, "Publication: 2, batches: 42, events added: 11,200, new thing: 3, state: half"),
        (Language.ZH, "发布版本：2，批次：42，新增事件：11,200，new thing：3，state：half"),
    ],
)
def test_figures_of_a_run_are_told_in_words(language: Language, text: str) -> None:
    assert figures_text(COUNTED, language) == text


def test_a_run_that_found_nothing_says_so() -> None:
    assert figures_text({"publication": 2, "batches": 0}, Language.EN) == "Nothing to do"
    assert figures_text({}, Language.EN) == ""


def test_the_result_of_a_run_is_its_message_or_its_figures() -> None:
    now = datetime(2024, 5, 12, tzinfo=UTC)
    rows = [('{"batches": 2}', "", now), ('{"batches": 2}', "The disk is full.", now), ("{}", "", None)]
    runs = pl.DataFrame(rows, schema=["figures", "message", "finished_at"], orient="row")
    assert told(runs, Language.EN)["result"].to_list() == ["batches: 2", "The disk is full.", ""]
