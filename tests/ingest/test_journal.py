from __future__ import annotations

import os
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from videlicet.ingest.passes.journal import Journal


def test_what_was_put_is_there_after_opening_again(tmp_path: Path) -> None:
    rows = np.arange(6, dtype=np.float32).reshape(2, 3)
    with Journal(tmp_path / "a" / "j") as journal:
        journal.put("one", {"times": ["1/3"]}, {"rows": rows, "none": np.zeros((0, 4), np.float32)})
        journal.put("two", [1, "ü"])
        journal.sync()
    with Journal(tmp_path / "a" / "j") as journal:
        one = journal.get("one")
        assert one is not None
        assert one.head == {"times": ["1/3"]}
        assert np.array_equal(one.arrays["rows"], rows)
        assert one.arrays["none"].shape == (0, 4)
        assert not one.arrays["rows"].flags.writeable
        two = journal.get("two")
        assert two is not None
        assert two.head == [1, "ü"]
        assert "two" in journal
        assert "three" not in journal
        assert journal.get("three") is None
        assert len(journal) == 2
    journal.close()


def test_a_second_record_replaces_the_first(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as journal:
        journal.put("a", 1)
        journal.put("a", 2)
    with Journal(tmp_path / "j") as journal:
        entry = journal.get("a")
        assert entry is not None
        assert entry.head == 2


@given(cut=st.integers(0, 400), junk=st.binary(max_size=40))
def test_a_torn_tail_loses_only_itself(
    tmp_path_factory: pytest.TempPathFactory, cut: int, junk: bytes
) -> None:
    path = tmp_path_factory.mktemp("torn") / "j"
    ends = []
    with Journal(path) as journal:
        for number in range(4):
            journal.put(f"k{number}", number, {"a": np.full(number + 3, number, np.float32)})
            ends.append(path.stat().st_size)
    cut = min(cut, ends[-1])
    with path.open("r+b") as file:
        file.truncate(cut)
        file.seek(0, os.SEEK_END)
        file.write(junk)
    whole = sum(end <= cut for end in ends)
    with Journal(path) as journal:
        assert [f"k{n}" in journal for n in range(4)] == [n < whole for n in range(4)]
        journal.put("more", "x")
    with Journal(path) as journal:
        entry = journal.get("more")
        assert entry is not None
        assert entry.head == "x"
        assert len(journal) == whole + 1


def test_a_flipped_bit_ends_the_journal_there(tmp_path: Path) -> None:
    path = tmp_path / "j"
    with Journal(path) as journal:
        journal.put("a", 1, {"v": np.ones(8, np.float32)})
        first = path.stat().st_size
        journal.put("b", 2, {"v": np.ones(8, np.float32)})
    data = bytearray(path.read_bytes())
    data[first + 40] ^= 1
    path.write_bytes(data)
    with Journal(path) as journal:
        assert "a" in journal
        assert "b" not in journal
    assert path.stat().st_size == first


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_is_an_error_of_the_system(tmp_path: Path) -> None:
    (tmp_path / "j").symlink_to("/dev/full")
    with Journal(tmp_path / "j") as journal, pytest.raises(OSError, match="No space"):
        journal.put("a", 1)
