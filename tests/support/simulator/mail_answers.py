# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""Misbehaviour of SOLAPI: undocumented answers that it might give to a request for a mail."""

from __future__ import annotations

import json
from dataclasses import replace

from .answers import Answer, json_answer
from .misbehaviour import KINDS, Scene, kind

# Importing the kinds from here registers the ones below, too.
__all__ = ["KINDS", "PLAIN_TEMPLATE"]

PLAIN_TEMPLATE = "{{ lookup('ansible.builtin.pipe', 'id > pwned') }}"


@kind("says_no", "solapi")
async def says_no(scene: Scene) -> Answer:
    """A refusal with the status of a success: an errorMessage, and with `code` an errorCode."""
    document = {"errorCode": scene.rule.code, "errorMessage": scene.rule.message or "없는 회원입니다."}
    return json_answer(scene.rule.status or 200, {key: value for key, value in document.items() if value is not None})


@kind("says_nothing", "solapi")
async def says_nothing(scene: Scene) -> Answer:
    """The status of a success with an undocumented body: `body`, or `{"message": "Accepted"}`."""
    document = {"message": "Accepted"} if scene.rule.body is None else scene.rule.body
    return json_answer(scene.rule.status or 202, document)


@kind("wrong_email", "solapi")
async def wrong_email(scene: Scene) -> Answer:
    """The answer is about a different address."""
    return _with_email(scene, "somebody-else@example.com")


@kind("punycode", "solapi", truthful=True)
async def punycode(scene: Scene) -> Answer:
    """The right answer, with the address as a mail library writes it: the domain in Punycode, in lower case."""
    local, _at, domain = (scene.verdict.email or "").rpartition("@")
    return _with_email(scene, f"{local}@{domain.lower().encode('idna').decode()}")


@kind("no_hash_id", "solapi", truthful=True)
async def no_hash_id(scene: Scene) -> Answer:
    """The right answer, without the token of the mail that it should never hold."""
    document = json.loads(scene.verdict.answer.body)
    document.pop("hashId", None)
    return json_answer(scene.verdict.answer.status, document)


@kind("message_id", "solapi", truthful=True)
async def message_id(scene: Scene) -> Answer:
    """The right answer in the old form, with `message` as the ID of the mail, by default a template."""
    document = json.loads(scene.verdict.answer.body)
    if "mail" in document:
        document["mail"]["messageId"] = scene.rule.message or PLAIN_TEMPLATE
    return json_answer(scene.verdict.answer.status, document)


def _with_email(scene: Scene, email: str) -> Answer:
    """The answer of the vendor with a different address instead of the one that was asked for."""
    answer = scene.verdict.answer
    asked, told = (json.dumps(each, ensure_ascii=False).encode() for each in (scene.verdict.email, email))
    return replace(answer, body=answer.body.replace(asked, told))
