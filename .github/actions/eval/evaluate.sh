#!/usr/bin/env bash
# Judges the cases, says what changed rules do, and leaves both reports as comment.md, in the job's summary and in the outputs.
#
# CASES, SPLIT, GATES, POLICIES and BASE come from the environment and may be empty. The exit code of `livesteward eval run` becomes an
# output, so that the reports are kept whatever it is; a later step ends the job by it. Texts of reports are only ever copied from file to
# file: a shell must not read what strangers wrote.
set -euo pipefail

MARKER='<!-- livesteward eval -->'
# GitHub takes comments of 65,536 characters, and there are no more characters than bytes.
LONGEST=65000

folder="$(mktemp -d "${RUNNER_TEMP:?}/livesteward-eval.XXXXXX")"
run="$folder/runs/evaluation"

# With "=" no value can be taken for an option of its own, and after "--" nothing can.
chosen=()
SPLIT="${SPLIT:-}"
IFS=', ' read -r -a splits <<<"${SPLIT//$'\n'/ }"
for split in "${splits[@]+"${splits[@]}"}"; do
    chosen+=("--split=$split")
done
if [ -n "${POLICIES:-}" ]; then
    chosen+=("--policies=$POLICIES")
fi

arguments=(eval run "--runs=$folder/runs" --name=evaluation "${chosen[@]+"${chosen[@]}"}")
if [ -n "${GATES:-}" ]; then
    arguments+=("--gates=$GATES")
fi
if [ -n "${CASES:-}" ]; then
    arguments+=(-- "$CASES")
fi
code=0
livesteward "${arguments[@]}" || code=$?

impact=""
if [ -n "${BASE:-}" ]; then
    arguments=(policies impact "--runs=$folder/runs" "${chosen[@]+"${chosen[@]}"}" "--markdown=$folder/impact.md" --json)
    if [ -n "${CASES:-}" ]; then
        arguments+=("--cases=$CASES")
    fi
    if livesteward "${arguments[@]}" -- "$BASE..HEAD" >"$folder/impact.json"; then
        impact="$folder/impact.md"
    else
        printf '::warning title=livesteward::what the changed rules do could not be said; the log says why\n'
        printf '## What the changed rules do\n\nIt could not be said; the log of the job says why.\n' >"$folder/impact.md"
    fi
fi

comment="$folder/comment.md"
if [ -s "$run/report.md" ]; then
    cat "$run/report.md" >"$comment"
else
    printf '### ✖ The cases could not be judged\n\n`livesteward eval run` left with %s and no report; the log of the job says why.\n\n%s\n' \
        "$code" "$MARKER" >"$comment"
fi
if [ -s "$folder/impact.md" ]; then
    size=$(($(wc -c <"$comment") + $(wc -c <"$folder/impact.md")))
    printf '\n' >>"$comment"
    if [ "$size" -lt "$LONGEST" ]; then
        cat "$folder/impact.md" >>"$comment"
    else
        printf 'What the changed rules do is too long for here: see impact.md in the reports of the job.\n' >>"$comment"
    fi
fi
cat "$comment" >>"${GITHUB_STEP_SUMMARY:-/dev/null}"

case "$code" in
    0) if [ -s "$run/outcome.json" ]; then result=pass; else result=ungated; fi ;;
    1) result=regression ;;
    2) result=inconclusive ;;
    *) result=error ;;
esac
{
    printf 'result=%s\n' "$result"
    printf 'exit-code=%s\n' "$code"
    printf 'folder=%s\n' "$folder"
    printf 'markdown=%s\n' "$run/report.md"
    printf 'html=%s\n' "$run/report.html"
    printf 'junit=%s\n' "$run/junit.xml"
    printf 'impact=%s\n' "$impact"
} >>"$GITHUB_OUTPUT"
