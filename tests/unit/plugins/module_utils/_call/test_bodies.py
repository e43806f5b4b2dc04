# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Bodies from data, and data from whatever a server may send."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from ansible_collections.krcloud.credentials.plugins.module_utils._call.bodies import Unreadable, parse, to_json, to_xml

TEXT = st.text(st.characters(exclude_categories=["Cs"]))
# What XML 1.0 can carry at all, without the white space that is trimmed from the text of an element.
XML_TEXT = st.text(st.characters(exclude_categories=["Cs", "Cc", "Cn"])).map(str.strip)
NAMES = st.text("abcXYZ", min_size=1, max_size=8)


@given(st.dictionaries(TEXT, TEXT))
def test_json_comes_back_as_it_went(fields: dict[str, str]) -> None:
    assert parse(to_json(fields)) == fields


def test_json_is_utf8_and_not_escaped() -> None:
    assert to_json({"id": "a", "password": "비밀"}) == '{"id": "a", "password": "비밀"}'.encode()


@given(st.dictionaries(NAMES, XML_TEXT, min_size=1))
def test_xml_comes_back_as_it_went(fields: dict[str, str]) -> None:
    assert parse(to_xml("Request", fields)) == fields


def test_xml_is_as_documented() -> None:
    expected = b'<?xml version="1.0" encoding="UTF-8"?>\n<Root><id>1</id><password>a&amp;&lt;b&gt;"</password></Root>'
    assert to_xml("Root", {"id": "1", "password": 'a&<b>"'}) == expected


def test_an_empty_xml_request_is_a_root_alone() -> None:
    assert to_xml("GetAccountListRequest", {}).endswith(b"<GetAccountListRequest></GetAccountListRequest>")


def test_lists_and_objects_in_xml() -> None:
    body = b"""<?xml version="1.0"?>
    <Response><success>true</success><total> 2 </total>
      <contents><id>1</id><name/></contents>
      <contents><id>2</id></contents><contents><id>3</id></contents>
    </Response>"""
    assert parse(body) == {
        "success": "true",
        "total": "2",
        "contents": [{"id": "1", "name": ""}, {"id": "2"}, {"id": "3"}],
    }


READABLE: list[tuple[bytes, dict[str, Any]]] = [
    (b"{}", {}),
    (b' \r\n {"a": 1}\n', {"a": 1}),
    (b'\xef\xbb\xbf{"a": 1}', {"a": 1}),
    (b'\xef\xbb\xbf<?xml version="1.0"?><r><a>1</a></r>', {"a": "1"}),
    # The vendor's own sample breaks a string in two.
    (b'{"message": "first\nsecond"}', {"message": "first\nsecond"}),
    (b"<success>true</success>", {"success": "true"}),
    (b"<error><errorCode>200</errorCode></error>", {"error": {"errorCode": "200"}}),
    (b'<x:r xmlns:x="urn:x"><x:a>1</x:a></x:r>', {"a": "1"}),
    (b'<r a="ignored"><b c="ignored">1</b></r>', {"b": "1"}),
    (b"<r><a>&lt;&amp;&#65;&#x42;&quot;&apos;</a></r>", {"a": "<&AB\"'"}),
    (b"<r><a><![CDATA[<b>]]></a></r>", {"a": "<b>"}),
    (b"<!-- hello --><r><?pi x?><a>1</a></r>", {"a": "1"}),
    ('<?xml version="1.0" encoding="ISO-8859-1"?><r><a>한</a></r>'.encode(), {"a": "한"}),
]


@pytest.mark.parametrize(("body", "expected"), READABLE)
def test_what_can_be_read(body: bytes, expected: dict[str, Any]) -> None:
    assert parse(body) == expected


LAUGHS = (
    '<?xml version="1.0"?><!DOCTYPE r [<!ENTITY a "lol"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;">]>'
    "<r><success>&b;</success></r>"
)
UNREADABLE: list[tuple[bytes, str]] = [
    (b"", "is empty"),
    (b" \r\n\t ", "is empty"),
    (b"\xef\xbb\xbf", "is empty"),
    (b"\xff\xfe\x00", "is not UTF-8"),
    (b'{"a": "\xff"}', "is not UTF-8"),
    ('{"a": "한"}'.encode("cp949"), "is not UTF-8"),
    ('{"a": 1}'.encode("utf-16"), "is not UTF-8"),
    (b"[]", "is not a JSON object"),
    (b'"text"', "is not a JSON object"),
    (b"null", "is not a JSON object"),
    (b"12", "is not a JSON object"),
    (b"NaN", "is not valid JSON"),
    (b"{", "is not valid JSON"),
    (b'{"a": 1} trailing', "is not valid JSON"),
    (b"{'a': 1}", "is not valid JSON"),
    (b"Bad Gateway", "is not valid JSON"),
    (b"\x1f\x8b\x08\x00", "is not"),
    (b'{"a": ' + b"9" * 5000 + b"}", "is not valid JSON"),
    (b'{"a": ' + b"9" * 200_000 + b"}", "has a part that is too long"),
    (b'{"a": "' + b"x" * 200_000 + b'"}', "has a part that is too long"),
    (b"<a>" + b"x" * 200_000 + b"</a>", "has a part that is too long"),
    (b"<a " + b"x" * 200_000 + b"/>", "has a part that is too long"),
    (b'{"a":[' + b'{"":0},' * 4000 + b"0]}", "has too many parts"),
    (b"<a>" + b"<b/>" * 10_000 + b"</a>", "has too many parts"),
    (b'["",' * 60_000 + b"0" + b"]" * 60_000, "is nested too deeply"),
    (b'{"a":' * 60_000 + b"1" + b"}" * 60_000, "is nested too deeply"),
    (
        b'{"a":["' + b'","'.join(["가".encode() * 300, "😀".encode()] * 3000) + b'"]}',
        "is too large for text with four-byte",
    ),
    (b"<a>" * 100_000 + b"</a>" * 100_000, "is nested too deeply"),
    (b"<a>" * 33 + b"</a>" * 33, "is nested too deeply"),
    (b"<!DOCTYPE html><html></html>", "is an HTML page"),
    (b"<!doctype HTML>\n<HTML><body>x</body></HTML>", "is an HTML page"),
    (b"<html><head></head></html>", "is an HTML page"),
    (b"<!-- a proxy --><html><body>x</body></html>", "is an HTML page"),
    (b'<?xml version="1.0"?><html xmlns="http://www.w3.org/1999/xhtml"></html>', "is an HTML page"),
    (LAUGHS.encode(), "declares a DTD or entities"),
    (b'<!DOCTYPE r SYSTEM "file:///etc/passwd"><r/>', "declares a DTD or entities"),
    (b'<!DOCTYPE r [<!ENTITY x SYSTEM "file:///etc/passwd">]><r><a>&x;</a></r>', "declares a DTD or entities"),
    (b'<!DOCTYPE r [<!ENTITY % x SYSTEM "http://127.0.0.1/x"> %x;]><r/>', "declares a DTD or entities"),
    (LAUGHS.encode("utf-16"), "is not UTF-8"),
    (LAUGHS.encode("utf-16-le"), "^it "),
    (LAUGHS.encode("utf-16-be"), "^it "),
    (LAUGHS.encode("utf-32"), "^it "),
    (LAUGHS.encode("utf-7"), "^it "),
    (LAUGHS.replace("?>", ' encoding="UTF-16"?>', 1).encode(), "declares a DTD or entities"),
    (LAUGHS.replace("?>", ' encoding="UTF-7"?>', 1).encode(), "declares a DTD or entities"),
    (b"<r>&undefined;</r>", "is not well-formed XML"),
    (b"<r><a></r>", "is not well-formed XML"),
    (b"<r/><r/>", "is not well-formed XML"),
    (b"<", "is not well-formed XML"),
    (b"<r>\x00</r>", "is not well-formed XML"),
]


@pytest.mark.parametrize(("body", "why"), UNREADABLE, ids=[f"{at}-{why}" for at, (_body, why) in enumerate(UNREADABLE)])
def test_what_cannot_be_read_is_called_what_it_is(body: bytes, why: str) -> None:
    with pytest.raises(Unreadable, match=why):
        parse(body)


@pytest.mark.parametrize("letter", ["x", "가", "😀"])
def test_long_texts_and_large_bodies_are_read(letter: str) -> None:
    text = letter * (60_000 // len(letter.encode()))
    texts = [text] * (30 if letter == "😀" else 60)
    assert parse(to_json({"a": text})) == {"a": text}
    assert parse(json.dumps({"a": texts}, ensure_ascii=False).encode()) == {"a": texts}
    assert parse(f"<r>{''.join(f'<a>{text}</a>' for text in texts)}</r>".encode()) == {"a": texts}


def test_an_answer_may_begin_with_blanks_and_a_byte_order_mark() -> None:
    for blanks in (b"", b"\r\n ", b" " * 2000):
        for mark in (b"", b"\xef\xbb\xbf"):
            assert parse(mark + blanks + b'{"a": "b"}\n') == {"a": "b"}
            assert parse(mark + blanks[:1000] + b'<?xml version="1.0"?><r><a>b</a></r>\n') == {"a": "b"}


def test_32_levels_of_xml_are_enough() -> None:
    inner: Any = parse(b"<a>" * 32 + b"x" + b"</a>" * 32)
    for _index in range(31):
        inner = inner["a"]
    assert inner == "x"


@pytest.mark.parametrize("body", [b'{"password": "Canary-77', b"<r><password>Canary-77</r>", b'["Canary-77"]'])
def test_a_refusal_quotes_nothing(body: bytes) -> None:
    with pytest.raises(Unreadable) as caught:
        parse(body)
    assert "Canary" not in str(caught.value)
    assert caught.value.__suppress_context__ or caught.value.__context__ is None


MARKUP = st.text('<>/?!-[]&;#x "=abc{}:,0\n', max_size=60).map(str.encode)
STARTS = st.sampled_from(
    [b"", b"<", b"<?xml", b"<!DOCTYPE ", b"<r>", b"<!--", b"{", b'{"a":', b"[", b"\xef\xbb\xbf", b"<html", b"<![CDATA["]
)


@given(STARTS, st.binary(max_size=80) | MARKUP | TEXT.map(str.encode))
@example(b"", b'{"a": "\\ud800"}')
@example(b"", b'{"a": 1e999}')
@example(b"", b"<r>]]></r>")
def test_any_bytes_are_an_object_or_unreadable(start: bytes, rest: bytes) -> None:
    try:
        assert isinstance(parse(start + rest), dict)
    except Unreadable as error:
        assert str(error).startswith("it ")  # noqa: PT017


VALID = [
    json.dumps({"success": True, "contents": [{"id": "a", "name": "b"}], "message": "한"}).encode(),
    b'<?xml version="1.0" encoding="UTF-8"?><R><success>true</success><contents><id>1</id></contents></R>',
]


@given(st.sampled_from(VALID), st.integers(0, 90), st.integers(0, 10), st.binary(max_size=6))
def test_damaged_bodies_are_an_object_or_unreadable(body: bytes, at: int, cut: int, put: bytes) -> None:
    try:
        assert isinstance(parse(body[:at] + put + body[at + cut :]), dict)
    except Unreadable as error:
        assert str(error).startswith("it ")  # noqa: PT017
