# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Kinds of misbehaviour that are SOLAPI's: what it might answer to a request for a mail, and documents nowhere."""

from __future__ import annotations

import json
from dataclasses import replace

from .answers import Answer, json_answer
from .misbehaviour import KINDS, Scene, kind

# Whoever takes the kinds from here has these among them.
__all__ = ["KINDS", "PLAIN_TEMPLATE"]

PLAIN_TEMPLATE = "{{ lookup('ansible.builtin.pipe', 'id > pwned') }}"


@kind("says_no", "solapi")
async def says_no(scene: Scene) -> Answer:
    """The status of a success, and yet a refusal: an errorMessage, and with `code` an errorCode."""
    document = {"errorCode": scene.rule.code, "errorMessage": scene.rule.message or "없는 회원입니다."}
    return json_answer(scene.rule.status or 200, {key: value for key, value in document.items() if value is not None})


@kind("says_nothing", "solapi")
async def says_nothing(scene: Scene) -> Answer:
    """The status of a success, and nothing that the documentation has: `body`, or `{"message": "Accepted"}`."""
    document = {"message": "Accepted"} if scene.rule.body is None else scene.rule.body
    return json_answer(scene.rule.status or 202, document)


@kind("wrong_email", "solapi")
async def wrong_email(scene: Scene) -> Answer:
    """The answer is about another address."""
    return _with_email(scene, "somebody-else@example.com")


@kind("punycode", "solapi", truthful=True)
async def punycode(scene: Scene) -> Answer:
    """The right answer, with the address as a mail library writes it: its domain in Punycode and lower case."""
    local, _at, domain = (scene.verdict.email or "").rpartition("@")
    return _with_email(scene, f"{local}@{domain.lower().encode('idna').decode()}")


@kind("no_hash_id", "solapi", truthful=True)
async def no_hash_id(scene: Scene) -> Answer:
    """The right answer without the token of the mail, which it should never have held."""
    document = json.loads(scene.verdict.answer.body)
    document.pop("hashId", None)
    return json_answer(scene.verdict.answer.status, document)


@kind("message_id", "solapi", truthful=True)
async def message_id(scene: Scene) -> Answer:
    """The right answer, in the old shape with `message` as the ID of the mail: a template, if none is given."""
    document = json.loads(scene.verdict.answer.body)
    if "mail" in document:
        document["mail"]["messageId"] = scene.rule.message or PLAIN_TEMPLATE
    return json_answer(scene.verdict.answer.status, document)


def _with_email(scene: Scene, email: str) -> Answer:
    """The vendor's answer with another address in the place of the one that was asked for."""
    answer = scene.verdict.answer
    asked, told = (json.dumps(each, ensure_ascii=False).encode() for each in (scene.verdict.email, email))
    return replace(answer, body=answer.body.replace(asked, told))
