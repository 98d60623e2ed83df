"""XLSX that is written as the rows come: numbers that can be summed, text that is never run, as many sheets as needed.

It is written here because it then needs no temporary file and no memory that grows with the rows: a chunk's XML is
made by Polars, compressed, and gone. Source: ECMA-376, Part 1 (SpreadsheetML) and Part 2 (packages).
"""

from lib.export.xlsx.rows import CUT_MARK, LONGEST_TEXT
from lib.export.xlsx.workbook import ROWS_A_SHEET, workbook_parts

__all__ = ["CUT_MARK", "LONGEST_TEXT", "ROWS_A_SHEET", "workbook_parts"]
