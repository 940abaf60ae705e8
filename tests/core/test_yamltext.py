# SPDX-License-Identifier: Apache-2.0
"""Only the plain part of YAML is read; every refusal names its line."""

import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from policyctl.core.formats.yamltext import MAX_CHARACTERS, YamlList, YamlMap, YamlText, read_yaml
from policyctl.errors import InputError, Place


def refusal(text: str, first_line: int = 1) -> InputError:
    with pytest.raises(InputError) as caught:
        read_yaml(text, file="a.yaml", first_line=first_line)
    return caught.value


@pytest.mark.parametrize(
    "word", ["no", "yes", "1.10", "12:30", "0o17", "null", "~", "2026-02-31", "1e3", "0x1F", "=", "<<"]
)
def test_a_scalar_stays_the_text_that_is_written(word: str) -> None:
    assert read_yaml(f"key: {word}", file="a.yaml") == YamlMap({"key": YamlText(word, 1)}, {"key": 1}, 1)


def test_lines_are_those_of_the_file_that_the_text_stands_in() -> None:
    node = read_yaml("a: 1\n\nb:\n  - x\n  - {c: y}\n", file="policy.md", first_line=2)
    assert isinstance(node, YamlMap)
    assert node.lines == {"a": 2, "b": 4}
    items = node.items["b"]
    assert isinstance(items, YamlList)
    assert [item.line for item in items.items] == [5, 6]


@pytest.mark.parametrize(
    ("text", "line", "says"),
    [
        ("a: 1\nb: 2\na: 3\n", 3, "'a' stands twice, first on line 1"),
        ("x:\n  a: 1\n  a: 2\n", 3, "'a' stands twice, first on line 2"),
        ("a: 1\nb: &anchor 2\n", 2, "anchor"),
        ("a: 1\nb: *anchor\n", 2, "alias"),
        ("a: !!python/object:os.system x\n", 1, "tag"),
        ("a: !local x\n", 1, "tag"),
        ("a: 1\n---\nb: 2\n", 2, "second YAML document"),
        ("%YAML 1.1\n---\na: 1\n", 2, "directive"),
        ("? [a, b]\n: c\n", 1, "as a key"),
        ("'': 1\n", 1, "without a name"),
        ("a: 1\n\tb: 2\n", 2, "not YAML"),
        ("a: 1\nb: [1, 2\n", 3, "not YAML"),
        ("a: b: c\n", 1, "not YAML"),
        ("a: 1\nb: \x07\n", 2, "control character"),
    ],
)
def test_what_is_not_plain_is_refused_where_it_stands(text: str, line: int, says: str) -> None:
    error = refusal(text)
    assert says in error.message
    assert error.hint
    assert error.place is not None
    assert (error.place.file, error.place.line) == ("a.yaml", line)


def test_an_alias_bomb_is_refused_at_its_first_anchor() -> None:
    bomb = "a: &a [x,x]\n" + "".join(
        f"{c}: &{c} [*{p},*{p}]\n" for p, c in zip("abcdefgh", "bcdefghi", strict=True)
    )
    assert "anchor" in refusal(bomb).message


@pytest.mark.parametrize("text", ["[" * 3000, "{a: " * 3000, "\n".join(" " * n + "a:" for n in range(200))])
def test_deep_nesting_is_refused_quickly(text: str) -> None:
    started = time.process_time()
    assert refusal(text).place is not None
    assert time.process_time() - started < 1.0


def test_text_over_the_limit_is_refused_unread() -> None:
    assert "at most" in refusal("a: " + "x" * MAX_CHARACTERS).message


@pytest.mark.parametrize("text", ["", "\n\n", "# only a comment\n"])
def test_nothing_is_nothing(text: str) -> None:
    assert read_yaml(text, file="a.yaml") is None


@given(st.text(max_size=200))
def test_any_text_is_read_or_refused_with_a_line(text: str) -> None:
    place = Place("a.yaml", 1)
    try:
        read_yaml(text, file="a.yaml")
    except InputError as error:
        place = error.place or Place("")
    assert place.line is not None
    assert 1 <= place.line <= sum(text.count(end) for end in "\n\r\x85\u2028\u2029") + 2
