#!/usr/bin/env bash
# Writes the file BODY as a comment on the pull request PULL_REQUEST, in place of the one that was written before.
#
# A token that may not write, as on a pull request from a fork, is said and is no failure: the summary of the job has the report too.
set -euo pipefail

MARKER='<!-- livesteward eval -->'

if ! [[ "${PULL_REQUEST:-}" =~ ^[0-9]+$ ]]; then
    printf '::warning title=livesteward::there is no pull request to comment on\n'
    exit 0
fi
comments="repos/${GITHUB_REPOSITORY:?}/issues"
request="$(mktemp)"
trap 'rm -f "$request"' EXIT
# The text goes from file to file: no shell and no command line sees it.
python3 -c '
import json, sys
with open(sys.argv[1], encoding="utf-8", errors="replace") as body, open(sys.argv[2], "w", encoding="utf-8") as request:
    json.dump({"body": body.read()[:65536]}, request)
' "${BODY:?}" "$request"

write() {
    local found id
    # Only a comment of the workflow itself is replaced: anybody can put the marker into one of their own.
    found="$(gh api --paginate "$comments/$PULL_REQUEST/comments?per_page=100" \
        --jq ".[] | select(.user.login == \"github-actions[bot]\" and (.body | contains(\"$MARKER\"))) | .id")" || return 1
    id="${found%%$'\n'*}"
    if [[ "$id" =~ ^[0-9]+$ ]]; then
        gh api --method PATCH "$comments/comments/$id" --input "$request" >/dev/null
    else
        gh api --method POST "$comments/$PULL_REQUEST/comments" --input "$request" >/dev/null
    fi
}

if ! write; then
    printf '::warning title=livesteward::the report could not be written as a comment; it is in the summary of the job\n'
fi
