"""RFC 8785 out; one value or an error in."""

import json

import pytest
import rfc8785
from hypothesis import given
from hypothesis import strategies as st

from tests.mangling import prefixes
from witness import canonical
from witness.errors import Malformed

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
plain = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts,
    lambda items: st.lists(items, max_size=4) | st.dictionaries(texts, items, max_size=4),
    max_leaves=12,
)
values = plain | st.dictionaries(texts, st.floats(allow_nan=False, allow_infinity=False), max_size=3)


@given(values)
def test_the_fast_path_is_rfc_8785(value):
    assert canonical.dumps(value) == rfc8785.dumps(value)


@given(plain)
def test_round_trip(value):
    data = canonical.dumps(value)
    assert canonical.loads_canonical(data, what="x", limit=10_000) == value


@given(plain, st.integers(0, 200), st.binary(max_size=3))
def test_only_malformed_comes_out(value, at, new):
    data = bytearray(canonical.dumps(value))
    data[at : at + 1] = new
    try:
        again = canonical.loads_canonical(bytes(data), what="x", limit=10_000)
    except Malformed:
        return
    assert canonical.dumps(again) == bytes(data)


def slowly(data):
    """What `loads_canonical` is: one value, and no other text of it."""
    value = canonical.loads(data, what="x", limit=10_000)
    try:
        return value if rfc8785.dumps(value) == data else Malformed
    except rfc8785.CanonicalizationError:
        return Malformed


keys = st.sampled_from(["a", "b", "é", "\ufb33", "\U0001f600", "\\u0061", "\\ud800", "\\/"])
numbers = st.sampled_from(["0", "-0", "1.0", "1e2", "9007199254740991", "9007199254740993", "NaN", "1e999"])
scalars = numbers | st.sampled_from(["null", "true", '"é"', '"\\udfff"', '"\\u001f"', '"\x7f"', '"\\n"'])
documents = st.recursive(
    scalars,
    lambda items: (
        st.lists(items, max_size=3).map(lambda parts: f"[{','.join(parts)}]")
        | st.lists(st.tuples(keys, items), max_size=3).map(
            lambda pairs: "{" + ",".join(f'"{key}":{item}' for key, item in pairs) + "}"
        )
    ),
    max_leaves=6,
)


@given(documents | st.integers(35, 45).map(lambda deep: "[" * deep + "]" * deep))
def test_whichever_way_a_canonical_text_is_read(text):
    data = text.encode()
    try:
        expected = slowly(data)
    except Malformed:
        expected = Malformed
    try:
        found = canonical.loads_canonical(data, what="x", limit=10_000)
    except Malformed:
        found = Malformed
    assert repr(found) == repr(expected)


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"b": 1, "a": [True, None], "": ""}, '{"":"","a":[true,null],"b":1}'),
        # RFC 8785 sorts by UTF-16 units: the emoji, a surrogate pair, before U+FB33.
        ({"\ufb33": 1, "\U0001f600": 2}, '{"\U0001f600":2,"\ufb33":1}'),
        ('"\\/\b\f\n\r\t\x00\x1f\x7f\u2028é', '"\\"\\\\/\\b\\f\\n\\r\\t\\u0000\\u001f\x7f\u2028é"'),
        (1.0, "1"),
        (1e21, "1e+21"),
        (-0.0, "0"),
        (2**53 - 1, "9007199254740991"),
        ((1, 2), "[1,2]"),
    ],
)
def test_texts(value, text):
    assert canonical.dumps(value) == text.encode()


@pytest.mark.parametrize(
    "value", [2**53, -(2**53), float("nan"), float("inf"), "\ud800", {"\udfff": 1}, [2**60]]
)
def test_values_without_a_text(value):
    with pytest.raises((rfc8785.CanonicalizationError, UnicodeEncodeError)):
        canonical.dumps(value)


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "not valid JSON"),
        (b"{", "not valid JSON"),
        (b"1 2", "not valid JSON"),
        (b"\xff", "not valid JSON"),
        (b"\xef\xbb\xbf1", "not valid JSON"),
        (b"NaN", "NaN is not JSON"),
        (b"[-Infinity]", "-Infinity is not JSON"),
        (b"1e999", "too large for a double"),
        (b'{"a":[-1e400]}', "too large for a double"),
        (b"1" * 5000, "not valid JSON"),
        (b'{"a":1,"a":1}', "same key twice"),
        (b'{"a":1,"\\u0061":2}', "same key twice"),
        (b'[{"x":{"a":1,"a":2}}]', "same key twice"),
        (b'"\\ud800"', "surrogate"),
        (b'{"\\udc00":1}', "surrogate"),
        (b"[" * 41 + b"]" * 41, "nested too deeply"),
        (b'{"a":' * 41 + b"1" + b"}" * 41, "nested too deeply"),
        (b"[" * 9000, "nested too deeply"),
        (b" " * 10_001, "10001 bytes, more than the 10000"),
    ],
    ids=range(19),
)
def test_what_is_refused(data, message):
    with pytest.raises(Malformed, match=f"^doc: .*{message}"):
        canonical.loads(data, what="doc", limit=10_000)


def test_depth_up_to_the_limit():
    data = b"[" * 39 + b"]" * 39
    assert canonical.dumps(canonical.loads(data, what="x", limit=100)) == data


@pytest.mark.parametrize(
    "text",
    [' {"a":1}', '{"a":1}\n', '{"b":1,"a":2}', '{"a": 1}', '"\\u0061"', '"\\/"', "1.0", "-0", "1e2", "0.10",
     "9007199254740993"],
)  # fmt: skip
def test_other_forms_of_a_value_are_refused(text):
    assert json.loads(text) is not None
    with pytest.raises(Malformed):
        canonical.loads_canonical(text.encode(), what="x", limit=100)


def test_prefixes_are_refused():
    for data in prefixes(canonical.dumps({"a": [1, "é", None], "b": {"c": True}})):
        with pytest.raises(Malformed):
            canonical.loads(data, what="x", limit=100)
