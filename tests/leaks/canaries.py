# Copyright (c) 2026, krcloud.credentials contributors
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

"""One invented secret of every kind that the collection handles, each as awkward as it can be."""

from __future__ import annotations

# Each passes the published rules, so that it is sent, and is awkward in some encoding.
PASSWORDS = ("Zq7<%>+=;x{}#$^*~|?", "aB3%41%2Bx:@!()[]-_.", "Kt9+Kt9-Kt9_Kt9,", "09234e1Xy!")

CANARIES: dict[str, str] = {
    **{f"password{number}": password for number, password in enumerate(PASSWORDS)},
    # Breaks what all revisions of the rules have in common, so that it is refused before anything is sent.
    "password_refused": "paw\"w'\\<&>%+ 암호/`열쇠",
    "secret_key": "s3cr\"et'\\<&>%+ 키와 비밀번호=k",
    # Long enough that no time or port begins or ends with the same digits.
    "token_code": "8140639257",
    "api_secret": "4p1\"s'\\<&>%+ 에이피아이=x",
    # What goes into a header has to be ASCII.
    "token": "t0k\"en'\\<&>%+=7Rq~^",
    "token_refused": "n0t\"ok'\\<&>%+ 토큰이 아님",
    "passphrase": "Tr3s\"or'\\<&>%+ 금고 4711",
    "passphrase_wrong": "Wr0ng\"'\\<&>%+ 다른 금고",
    # Given in options that are not for secrets, where no message has to quote the value.
    "misplaced": "M1s\"place'd\\<&>%+ 잘못 놓인/",
    # The token in the answer to a request for a reset mail.
    "hash_id": "V1St\"GX'R8\\<&>%+ 재설정",
}
