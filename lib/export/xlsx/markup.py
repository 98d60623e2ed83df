"""The XML of a workbook around its rows."""

from __future__ import annotations

import polars as pl

BOLD = 1
"""The style of headings, by its place in STYLES."""

_DECLARED = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>\n'
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_RELATIONS = 'xmlns="http://schemas.openxmlformats.org/package/2006/relationships"'
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"

ROOT_RELATIONS = (
    f"{_DECLARED}<Relationships {_RELATIONS}>"
    f'<Relationship Id="rId1" Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
)

STYLES = (
    f"{_DECLARED}<styleSheet {_MAIN}>"
    '<fonts count="2"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font>'
    '<font><b/><sz val="11"/><name val="Calibri"/><family val="2"/></font></fonts>'
    '<fills count="2"><fill><patternFill patternType="none"/></fill>'
    '<fill><patternFill patternType="gray125"/></fill></fills>'
    "<borders count=\"1\"><border><left/><right/><top/><bottom/><diagonal/></border></borders>"
    '<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>'
    '<cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>'
    '<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/></cellXfs>'
    '<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>'
)

SHEET_END = "</sheetData></worksheet>"

_NARROWEST, _WIDEST, _SAMPLED_ROWS = 9, 60, 200


def sheet_head(column_widths: list[float]) -> str:
    """A sheet up to its rows: the first one stays in sight, and the columns have these widths in characters."""
    columns = "".join(
        f'<col min="{number}" max="{number}" width="{width:g}" customWidth="1"/>'
        for number, width in enumerate(column_widths, 1)
    )
    return (
        f'{_DECLARED}<worksheet {_MAIN}><sheetViews><sheetView workbookViewId="0">'
        '<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>'
        f"{f'<cols>{columns}</cols>' if columns else ''}<sheetData>"
    )


def workbook(sheets: int) -> str:
    """The list of sheets, which are named by their numbers."""
    listed = "".join(f'<sheet name="{n}" sheetId="{n}" r:id="rId{n}"/>' for n in range(1, sheets + 1))
    views = "<bookViews><workbookView/></bookViews>"
    return f'{_DECLARED}<workbook {_MAIN} xmlns:r="{_OFFICE}">{views}<sheets>{listed}</sheets></workbook>'


def relations(sheets: int) -> str:
    """Where each sheet and the styles are."""
    listed = "".join(
        f'<Relationship Id="rId{n}" Type="{_OFFICE}/worksheet" Target="worksheets/sheet{n}.xml"/>'
        for n in range(1, sheets + 1)
    )
    styles = f'<Relationship Id="rId{sheets + 1}" Type="{_OFFICE}/styles" Target="styles.xml"/>'
    return f"{_DECLARED}<Relationships {_RELATIONS}>{listed}{styles}</Relationships>"


def content_types(sheets: int) -> str:
    """What each part is."""
    parts = {f"xl/worksheets/sheet{n}.xml": "worksheet" for n in range(1, sheets + 1)}
    listed = "".join(
        f'<Override PartName="/{name}" ContentType="{_TYPE}.{kind}+xml"/>'
        for name, kind in ({"xl/workbook.xml": "sheet.main", "xl/styles.xml": "styles"} | parts).items()
    )
    return (
        f'{_DECLARED}<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">'
        '<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Default Extension="xml" ContentType="application/xml"/>{listed}</Types>'
    )


def widths(headings: pl.DataFrame, rows: pl.DataFrame) -> list[float]:
    """A width for each column in characters, by its heading and first rows; Chinese ones count twice."""
    sample = rows.head(_SAMPLED_ROWS).cast(pl.String)
    found = []
    for place, heading in enumerate(headings.row(0) if headings.width else ()):
        texts = sample.to_series(place).drop_nulls().to_list() if sample.width else []
        widest = max(_width(text) for text in (heading, *texts))
        found.append(float(min(max(widest + 2, _NARROWEST), _WIDEST)))
    return found


def _width(text: str) -> int:
    return max((len(line) + sum(sign > "\u2e7f" for sign in line) for line in text.split("\n")), default=0)
