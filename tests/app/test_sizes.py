import pytest
from hypothesis import given
from hypothesis import strategies as st

from pillarbox.app.sizes import format_size, parse_size

octets = st.integers(0, 2**53) | st.builds(
    lambda number, power: number * 1024**power, st.integers(0, 2000), st.integers(0, 4)
)


@given(octets)
def test_sizes_round_trip(size: int) -> None:
    assert parse_size(format_size(size)) == size


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("0", 0),
        ("1048576", 1048576),
        ("12b", 12),
        ("1K", 1024),
        ("1k", 1024),
        ("1KiB", 1024),
        ("1kB", 1000),
        ("500M", 500 * 1024**2),
        ("500 MiB", 500 * 1024**2),
        ("500MB", 500 * 1000**2),
        (" 2G ", 2 * 1024**3),
        ("2GB", 2 * 1000**3),
        ("1T", 1024**4),
        ("1TiB", 1024**4),
    ],
)
def test_sizes_mean_what_they_mean_to_gnu_tools(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize(
    "text", ["", "M", "-1", "1.5G", "1 G B", "1P", "1e6", "٣", "9" * 19, "0x10"]
)
def test_anything_else_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size"):
        parse_size(text)
