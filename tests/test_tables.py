"""Reading and writing rows: what goes in comes out, and what cannot be read is refused with its line."""

from __future__ import annotations

import builtins
import csv
import errno
import io
import json
import os
import resource
import stat
import string
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from entailment.errors import DataFileError, MissingExtraError
from entailment.tables import Row, check_writable, columns_of, read_rows, write_rows
from entailment.tables.digest import sha256
from entailment.tables.reading import counted
from entailment.tables.whole import whole


def write(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def feed_stdin(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(content)))


# -------------------------------------------------------------------------------------------------- reading


def test_a_text_file_is_a_text_a_line(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "\ufeffone\r\ntwo  \n\nv\u2028ier\n\n\n")
    assert list(read_rows(path)) == [{"text": "one"}, {"text": "two  "}, {"text": ""}, {"text": "v\u2028ier"}]


def test_json_lines(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '\ufeff{"text": "a\\u2028b", "n": 1}\n\n{"text": null, "n": [2]}')
    assert list(read_rows(path)) == [{"text": "a\u2028b", "n": 1}, {"text": None, "n": [2]}]
    assert list(read_rows(path, columns=["n"])) == [{"n": 1}, {"n": [2]}]


def test_csv_with_quotes_line_feeds_and_a_byte_order_mark(tmp_path: Path) -> None:
    path = write(tmp_path / "a.CSV", '\ufeff\r\ntext,label\r\n"a, ""b""\nc",x\r\n\r\nd,\r\n')
    assert list(read_rows(path)) == [{"text": 'a, "b"\nc', "label": "x"}, {"text": "d", "label": ""}]
    assert list(read_rows(path, columns=["label"])) == [{"label": "x"}, {"label": ""}]


def test_an_empty_line_of_one_column_is_an_empty_text_but_at_the_end(tmp_path: Path) -> None:
    path = write(tmp_path / "a.csv", "\ntext\n\none\n\n\ntwo\n\n\n")
    assert [row["text"] for row in read_rows(path)] == ["", "one", "", "", "two"]


def test_csv_fields_beyond_the_limit_of_the_csv_module(tmp_path: Path) -> None:
    long = "x" * 1_000_000
    assert list(read_rows(write(tmp_path / "a.csv", f"text\n{long}\n"))) == [{"text": long}]


def test_parquet(tmp_path: Path) -> None:
    rows: list[Row] = [{"text": f"t{index}", "n": index} for index in range(3000)]
    parquet.write_table(pa.Table.from_pylist(rows), tmp_path / "a.parquet")
    assert list(read_rows(tmp_path / "a.parquet")) == rows
    assert list(read_rows(tmp_path / "a.parquet", columns=["n"])) == [{"n": row["n"]} for row in rows]


def test_the_columns_of_a_file(tmp_path: Path) -> None:
    assert columns_of(write(tmp_path / "a.txt", "one\n")) == ("text",)
    assert columns_of(write(tmp_path / "a.csv", "text,label\na,b\n")) == ("text", "label")
    assert columns_of(write(tmp_path / "none.csv", "text,label\n")) is None
    parquet.write_table(pa.table({"text": ["a"], "n": [1]}), tmp_path / "a.parquet")
    assert columns_of(tmp_path / "a.parquet") == ("text", "n")
    parquet.write_table(pa.table({"text": pa.array([], pa.string())}), tmp_path / "none.parquet")
    assert columns_of(tmp_path / "none.parquet") is None
    with pytest.raises(DataFileError, match="no such file"):
        columns_of(tmp_path / "nowhere.csv")
    with pytest.raises(DataFileError, match="cannot be read as Parquet"):
        columns_of(write(tmp_path / "garbage.parquet", b"PAR1 not really PAR1"))


def test_a_format_may_be_given_for_a_name_that_does_not_say(tmp_path: Path) -> None:
    assert list(read_rows(write(tmp_path / "LABELS", "a\nb\n"), format=".txt")) == [
        {"text": "a"},
        {"text": "b"},
    ]


@pytest.mark.parametrize(
    ("content", "rows"),
    [
        (b"one\ntwo\n", [{"text": "one"}, {"text": "two"}]),
        (b'\xef\xbb\xbf {"text": "one"}\n{"text": "two"}\n', [{"text": "one"}, {"text": "two"}]),
        (b'\xef\xbb\xbf\n \r\n{"text": "one"}\n\n', [{"text": "one"}]),
        (b"\n\none\n{\n", [{"text": ""}, {"text": ""}, {"text": "one"}, {"text": "{"}]),
        (b"\n\n", []),
        (b"[1] one\n", [{"text": "[1] one"}]),
        (b"text,label\n", [{"text": "text,label"}]),
        (b"", []),
    ],
)
def test_standard_input(monkeypatch: pytest.MonkeyPatch, content: bytes, rows: list[Row]) -> None:
    feed_stdin(monkeypatch, content)
    assert list(read_rows("-", columns=["text"])) == rows


@pytest.mark.parametrize("content", [b"[\n", b"\n[\n", b"\xef\xbb\xbf[ \r\n{}\n]", b'[{"text": "one"}]\n'])
def test_a_json_array_on_standard_input_is_no_text(monkeypatch: pytest.MonkeyPatch, content: bytes) -> None:
    feed_stdin(monkeypatch, content)
    with pytest.raises(DataFileError, match=r"begins a JSON array; write one JSON object \{...\} a line"):
        list(read_rows("-"))


def test_a_standard_input_that_was_closed_holds_no_rows(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", None)
    assert list(read_rows("-")) == []


def test_a_file_needs_a_name() -> None:
    with pytest.raises(DataFileError, match="the name of the file to read is empty"):
        read_rows("")
    with pytest.raises(DataFileError, match="the name of the file to write is empty"):
        check_writable("")


@pytest.mark.parametrize(
    ("count", "shown"), [(0, "0 rows"), (1, "1 row"), (2, "2 rows"), (1000, "1,000 rows")]
)
def test_how_many(count: int, shown: str) -> None:
    assert counted(count, "row") == shown


def test_reading_streams(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"text": "fine"}\nbroken\n')
    assert next(read_rows(path)) == {"text": "fine"}


REFUSED = {
    "a.pdf": (b"", None, "cannot tell the format of"),
    "no_suffix": (b"", None, "should end in .txt, .jsonl, .csv, .parquet"),
    "column.txt": (b"a\n", ["review"], "is plain text and has no column 'review'; it has text"),
    "latin.txt": ("fine\nna\u00efve\n".encode("latin-1"), None, "line 2: byte 0xef is not UTF-8"),
    "wide.txt": ("ab\n".encode("utf-16-le"), None, "line 1: a NUL byte"),
    "broken.jsonl": (b'{"a": 1}\n{"a": \n', None, "line 2: not valid JSON"),
    "list.jsonl": (b"[1]\n", None, "line 1: expected a JSON object {...}, found list"),
    "digits.jsonl": (b'{"a": ' + b"9" * 5000 + b"}\n", None, "line 1: JSON that cannot be read"),
    "deep.jsonl": (b'{"a": ' + b"[" * 100_000 + b"\n", None, "line 1: JSON that cannot be read"),
    "column.jsonl": (b'{"a": 1}\n{"b": 1}\n', ["a"], "line 2 has no column 'a'; it has b"),
    "bytes.jsonl": (b'{"a": "\xff"}\n', None, "line 1: byte 0xff is not UTF-8"),
    "twice.jsonl": (
        b'{"a": 1}\n{"a": 1, "b": 2, "a": 3}\n',
        None,
        "line 2: JSON that cannot be read (the key 'a' is there twice; leave one out)",
    ),
    "return.txt": (
        b"x\r\ny\rz\r\n",
        None,
        "line 2: a carriage return inside the line; a line should end with a line feed, so convert the file "
        "if carriage returns end its lines: tr '\\r' '\\n' < OLD > NEW",
    ),
    "empty.csv": (b"", None, "is empty: a .csv file begins with a line naming its columns"),
    "blank.csv": (b"\n\n", None, "is empty"),
    "column.csv": (b"review,label\nx,y\n", ["text"], "has no column 'text'; it has review, label"),
    "twice.csv": (b"text,text\nx,y\n", None, "has 2 columns named 'text'"),
    "few.csv": (b"text,label\nx,y\nx\n", ["text"], "line 3: 1 field, but the header has 2"),
    "many.csv": (b"text\nx,y\n", ["text"], "line 2: 2 fields, but the header has 1"),
    "open.csv": (b'text\n"x\ny\n', None, "not valid CSV"),
    "quote.csv": (b'text\n"x"y\n', None, "line 2: not valid CSV"),
    "return.csv": (b"text\nx\ry\n", None, "line 2: a carriage return outside quotes"),
    "returns.csv": (
        b"text\rhello\r",
        None,
        "line 1: a carriage return outside quotes",
    ),
    "nul.jsonl": (b'{"a": "b"}\n{"a": "x\\u0000"}\n', None, "row 2: a holds a NUL character; take it out"),
    "nul.csv": (b"text\nx\0y\n", None, "line 2: a NUL byte"),
    "bytes.csv": (b"text\nx\n\xe9\n", None, "line 3: byte 0xe9 is not UTF-8"),
    "garbage.parquet": (b"PAR1 not really PAR1", None, "cannot be read as Parquet"),
    "empty.parquet": (b"", None, "cannot be read as Parquet"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_what_cannot_be_read_is_refused_in_one_line(tmp_path: Path, name: str) -> None:
    content, columns, message = REFUSED[name]
    with pytest.raises(DataFileError) as caught:
        list(read_rows(write(tmp_path / name, content), columns=columns))
    assert message in str(caught.value)
    assert name in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_csv_field_without_end_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("entailment.tables.reading._CSV_FIELD_LIMIT", 1000)
    before = csv.field_size_limit(1000)
    try:
        with pytest.raises(DataFileError, match="field larger than field limit"):
            list(read_rows(write(tmp_path / "a.csv", "text\n" + "x" * 1001 + "\n")))
    finally:
        csv.field_size_limit(before)


def test_a_missing_file_and_a_folder_are_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(DataFileError, match=r"no such file: .*none\.csv"):
        read_rows(tmp_path / "none.csv")
    (tmp_path / "folder.csv").mkdir()
    with pytest.raises(DataFileError, match="is a folder"):
        read_rows(tmp_path / "folder.csv")


def test_parquet_faults(tmp_path: Path) -> None:
    table = pa.table({"text": pa.array([b"\xff"], pa.binary()).view(pa.string()), "n": [1]})
    parquet.write_table(table, tmp_path / "bytes.parquet")
    with pytest.raises(DataFileError, match="cannot be read as Parquet"):
        list(read_rows(tmp_path / "bytes.parquet", columns=["text"]))
    with pytest.raises(DataFileError, match="has no column 'body'; it has text, n"):
        list(read_rows(tmp_path / "bytes.parquet", columns=["body"]))
    whole = (tmp_path / "bytes.parquet").read_bytes()
    with pytest.raises(DataFileError, match="cannot be read as Parquet"):
        list(read_rows(write(tmp_path / "cut.parquet", whole[: len(whole) // 2])))


def test_parquet_values_that_python_cannot_hold(tmp_path: Path) -> None:
    far = pa.array([10**8], pa.int32()).cast(pa.date32())
    parquet.write_table(pa.table({"text": ["a"], "nul": ["\0"], "when": far}), tmp_path / "a.parquet")
    assert columns_of(tmp_path / "a.parquet") == ("text", "nul", "when")
    assert list(read_rows(tmp_path / "a.parquet", columns=["text"])) == [{"text": "a"}]
    with pytest.raises(DataFileError, match=r"a\.parquet cannot be read as Parquet: date value out of range"):
        list(read_rows(tmp_path / "a.parquet"))
    with pytest.raises(DataFileError, match=r"a\.parquet, row 1: nul holds a NUL character"):
        list(read_rows(tmp_path / "a.parquet", columns=["nul"]))


def test_parquet_without_pyarrow_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = builtins.__import__

    def without_pyarrow(name: str, *args: object, **kwargs: object) -> object:
        if name.split(".")[0] == "pyarrow":
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return real(name, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(builtins, "__import__", without_pyarrow)
    with pytest.raises(MissingExtraError, match=r"needs pyarrow: pip install 'entailment\[parquet\]'"):
        list(read_rows(write(tmp_path / "a.parquet", b"")))


# -------------------------------------------------------------------------------------------------- writing

TEXT = st.text(st.characters(codec="utf-8", exclude_characters="\0"))
ROWS = st.lists(st.fixed_dictionaries({"text": TEXT, "some, label": TEXT}), min_size=1, max_size=5)


@settings(deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS)
@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_texts_come_back_as_they_were(tmp_path: Path, suffix: str, rows: list[Row]) -> None:
    path = tmp_path / f"a{suffix}"
    assert write_rows(path, rows) == len(rows)
    assert list(read_rows(path)) == rows


def test_numbers_lists_and_nothing_in_csv(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    write_rows(path, [{"a": 0.1, "b": [1, "x"], "c": None}, {"c": 1, "a": 2, "b": {"k": 1}}])
    assert path.read_text() == '"a","b","c"\n0.1,"[1, ""x""]",""\n2,"{""k"": 1}",1\n'


def test_an_empty_csv_keeps_its_header(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.csv", [], columns=["text", "label"])
    assert list(read_rows(tmp_path / "a.csv")) == []
    assert (tmp_path / "a.csv").read_text() == '"text","label"\n'


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_an_error_midway_leaves_the_old_file_and_nothing_else(tmp_path: Path, suffix: str) -> None:
    path = write(tmp_path / f"a{suffix}", "before")

    def rows() -> Iterator[Row]:
        yield {"text": "x"}
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        write_rows(path, rows())
    assert path.read_text() == "before"
    assert list(tmp_path.iterdir()) == [path]


def test_nothing_stands_under_the_name_before_the_end(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"

    def rows() -> Iterator[Row]:
        for index in range(1000):
            assert not path.exists()
            yield {"n": index}

    assert write_rows(path, rows()) == 1000
    assert json.loads(path.read_text().splitlines()[-1]) == {"n": 999}


def test_a_file_may_be_answered_in_place(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", '{"n": 1}\n{"n": 2}\n')
    write_rows(path, ({"double": int(str(row["n"])) * 2} for row in read_rows(path)))
    assert path.read_text() == '{"double": 2}\n{"double": 4}\n'


def test_a_link_is_followed_and_permissions_are_the_usual(tmp_path: Path) -> None:
    (tmp_path / "link.jsonl").symlink_to(tmp_path / "real.jsonl")
    write_rows(tmp_path / "link.jsonl", [{"n": 1}])
    assert (tmp_path / "link.jsonl").is_symlink()
    assert (tmp_path / "real.jsonl").read_text() == '{"n": 1}\n'
    usual = write(tmp_path / "usual", "")
    assert (tmp_path / "real.jsonl").stat().st_mode == usual.stat().st_mode


def test_permissions_of_what_was_there_are_kept(tmp_path: Path) -> None:
    for mode in (0o600, 0o640, 0o444):
        path = write(tmp_path / "a.csv", "")
        path.chmod(mode)
        write_rows(path, [{"n": 1}])
        assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.parametrize(
    ("row", "message"),
    [({"text": "\ud800"}, "half a surrogate pair"), ({"other": 1}, "row 2 has columns other, not text")],
)
def test_rows_that_cannot_be_written(tmp_path: Path, row: Row, message: str) -> None:
    with pytest.raises(DataFileError, match=message):
        write_rows(tmp_path / "a.csv", [{"text": "fine"}, row])
    assert list(tmp_path.iterdir()) == []


def test_paths_that_cannot_be_written_are_refused_before_the_work(tmp_path: Path) -> None:
    (tmp_path / "folder.csv").mkdir()
    for path, message in {
        "a.parquet": "should end in .jsonl, .csv",
        "missing/a.csv": "missing does not exist",
        "folder.csv": "a folder has that name",
    }.items():
        with pytest.raises(DataFileError, match=message):
            check_writable(tmp_path / path)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = Path.open
    monkeypatch.setattr(
        Path, "open", lambda self, *a, **k: real(Path("/dev/full") if "partial" in self.name else self, "w")
    )
    with pytest.raises(DataFileError, match=r"cannot write .*a.jsonl: No space left on device"):
        write_rows(tmp_path / "a.jsonl", [{"text": string.ascii_letters * 1000}])


def test_a_full_disk_found_at_the_end_is_named_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(file: int) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(DataFileError, match=r"cannot write .*a.jsonl: No space left on device"):
        write_rows(tmp_path / "a.jsonl", [{"n": 1}])
    assert list(tmp_path.iterdir()) == []


def test_what_is_written_beside_may_be_read_by_who_could_read_what_was_there(tmp_path: Path) -> None:
    path = write(tmp_path / "a.jsonl", "old")
    for mode in (0o600, 0o440):
        path.chmod(mode)
        with whole(path) as partial:
            assert stat.S_IMODE(partial.stat().st_mode) == mode | 0o600  # and written by us
            partial.write_text("new")
        assert stat.S_IMODE(path.stat().st_mode) == mode


def test_a_folder_that_cannot_be_synced(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fsync = os.fsync

    def no_folders(file: int) -> None:
        if stat.S_ISDIR(os.fstat(file).st_mode):
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))  # as of some network disks
        fsync(file)

    monkeypatch.setattr(os, "fsync", no_folders)
    assert write_rows(tmp_path / "a.jsonl", [{"n": 1}]) == 1


def test_what_rows_raise_is_not_the_fault_of_the_output(tmp_path: Path) -> None:
    def rows() -> Iterator[Row]:
        yield {"n": 1}
        raise ConnectionError("gone")

    with pytest.raises(ConnectionError, match="gone"):
        write_rows(tmp_path / "a.jsonl", rows())
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_a_full_disk_is_named_where_all_rows_fit_a_buffer(tmp_path: Path, suffix: str) -> None:
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, before[1]))
    try:
        with pytest.raises(DataFileError, match=rf"cannot write .*a\{suffix}: File too large"):
            write_rows(tmp_path / f"a{suffix}", [{"n": 1}])
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert list(tmp_path.iterdir()) == []


def test_files_are_told_apart_by_what_they_hold(tmp_path: Path) -> None:
    one, same, other = (tmp_path / name for name in ("one", "same", "other"))
    one.write_text("a")
    same.write_text("a")
    other.write_text("b")
    assert sha256(one) == sha256(same) != sha256(other)
    with pytest.raises(DataFileError, match=r"cannot read .*none: No such file"):
        sha256(tmp_path / "none")
