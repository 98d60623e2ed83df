"""Importing feedback: files into the database."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import polars as pl
from sqlalchemy.orm import Session

from lib.collect.feedback_files import FeedbackChunk, Told
from lib.collect.file_imports import FileImport, require_few
from lib.collect.retrying import written
from lib.feedback.records import Appended, append
from lib.logs.record import Act
from lib.store import catalogue

_SOURCE = "import"


class FeedbackImport(FileImport[FeedbackChunk, list[Told]]):
    """One import of feedback; the applications and mini programs that it names are made where they are missing."""

    _programs: frozenset[str] = frozenset()
    _applications: frozenset[str] = frozenset()

    def _ready(self, chunk: FeedbackChunk) -> tuple[list[Told], pl.DataFrame]:
        self._programs |= {each.mini_program for each in chunk.told}
        self._applications |= {each.application for each in chunk.told if each.application is not None}
        require_few(len(self._applications), "applications")
        require_few(len(self._programs), "mini programs")
        return chunk.told, chunk.refused

    def _keep(self, rows: list[Told]) -> Appended:
        return written(self._store, self._tenant_id, lambda session: self._append(session, rows))

    def _append(self, session: Session, rows: Sequence[Told]) -> Appended:
        programs = {each.mini_program for each in rows}
        applications = {each.application for each in rows if each.application is not None}
        program_ids = catalogue.ensured_mini_programs(session, self._tenant_id, programs, _SOURCE)
        application_ids = catalogue.ensured_applications(session, self._tenant_id, applications, _SOURCE)
        pairs = {(each.mini_program, each.application) for each in rows if each.application is not None}
        linked = [(program_ids[program], application_ids[application]) for program, application in pairs]
        catalogue.ensured_links(session, self._tenant_id, linked)
        records = [
            replace(
                each.record,
                mini_program_id=program_ids[each.mini_program],
                application_id=None if each.application is None else application_ids[each.application],
                source=_SOURCE,
            )
            for each in rows
        ]
        return append(session, self._tenant_id, records)

    def _act(self, names: Sequence[str]) -> Act:
        return self.act_of("feedback", names)
