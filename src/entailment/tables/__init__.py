"""Rows of a file, one dictionary each: .txt, .jsonl, .csv and .parquet in; .jsonl and .csv out.

for row in read_rows("reviews.csv", columns=["text"]):
    ...
write_rows("answers.jsonl", answers)
"""

from entailment.tables.reading import READABLE, Row, columns_of, read_rows
from entailment.tables.writing import WRITABLE, check_writable, json_line, write_rows

__all__ = [
    "READABLE",
    "WRITABLE",
    "Row",
    "check_writable",
    "columns_of",
    "json_line",
    "read_rows",
    "write_rows",
]
