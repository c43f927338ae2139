import sys
from functools import cache
from pathlib import Path

from pydantic import ValidationError

from livesteward.errors import LivestewardError
from livesteward.evals.consistency import check_consistency
from livesteward.evals.dataset import Dataset, Located, _raw_entries
from livesteward.evals.writing import read_entry
from livesteward.retrieval.rulebook import load_library
from livesteward.settings import Settings

library = load_library(Settings(workspace=None).policies_dir)


@cache
def rules(region, day):
    return {rule.rule_id: rule for rule in library.rulebook(region, day).rules}


bad = 0
located = []
for name in sys.argv[1:]:
    file = Path(name)
    try:
        for line, raw in _raw_entries(file):
            ident = raw.get("case_id") or raw.get("stream_id") if isinstance(raw, dict) else None
            try:
                located.append(Located(entry=read_entry(raw), file=file, line=line))
            except ValidationError as error:
                bad += 1
                for e in error.errors(include_url=False, include_context=False)[:4]:
                    print(f"{file.name}:{line}: {ident}: {'.'.join(map(str, e['loc']))}: {e['msg']}")
            except Exception as error:
                bad += 1
                print(f"{file.name}:{line}: {ident}: {type(error).__name__} {error}")
    except LivestewardError as error:
        bad += 1
        print(error)
seen = set()
for one in located:
    if one.entry.case_id in seen:
        print("twice:", one.entry.case_id)
        bad += 1
    seen.add(one.entry.case_id)
problems = check_consistency(Dataset(root=Path("."), located=tuple(located)), rules)
for problem in problems:
    print(problem)
print(f"{len(located)} cases read, {bad} unreadable, {len(problems)} problems")
