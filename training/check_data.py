"""Check the files of `training/data/companies` and count what they hold.

    python training/check_data.py [FILE...]

Prints one line for each fault (file, line, reason) and the counts; exits 1 when there is a fault.
"""

import collections
import json
import sys
from pathlib import Path

KINDS = {"plain", "typo", "follow", "yesno", "condition", "two", "row", "steps", "partly", "none"}
HERE = Path(__file__).parent / "data" / "companies"


def faults_of(path: Path, counts: collections.Counter[str]) -> list[str]:
    """Return what is wrong in one company's file; add what it holds to `counts`."""
    faults: list[str] = []
    texts: dict[str, int] = {}
    seen: set[str] = set()
    for number, raw in enumerate(path.read_text(encoding="utf-8").splitlines(), start=1):
        if not raw.strip():
            continue
        try:
            line = json.loads(raw)
        except ValueError as error:
            faults.append(f"{path.name}:{number}: not JSON ({error})")
            continue
        if "company" in line:
            counts["companies"] += 1
        elif "id" in line:
            sentences = line.get("sentences") or []
            if not sentences or not all(isinstance(s, str) and s.strip() for s in sentences):
                faults.append(f"{path.name}:{number}: a text without sentences")
            if not line.get("question") and not line.get("heading"):
                faults.append(f"{path.name}:{number}: neither a question nor a heading")
            texts[line["id"]] = len(sentences)
            counts["entries" if line.get("question") else "passages"] += 1
        elif "ask" in line:
            by, near = line.get("by") or {}, line.get("near") or []
            for name, places in by.items():
                if name not in texts:
                    faults.append(f"{path.name}:{number}: answered by {name}, which is not there")
                elif not all(isinstance(p, int) and 0 <= p < texts[name] for p in places):
                    faults.append(f"{path.name}:{number}: {name} has {texts[name]} sentences")
            faults += [
                f"{path.name}:{number}: near {n}, which is not there"
                for n in near
                if n not in texts
            ]
            if set(by) & set(near):
                faults.append(f"{path.name}:{number}: a text both answers and is only near")
            if line.get("kind") not in KINDS:
                faults.append(f"{path.name}:{number}: kind {line.get('kind')!r}")
            if (line.get("kind") == "none") != (not by):
                faults.append(f"{path.name}:{number}: kind and answers do not agree")
            if not line.get("lang"):
                faults.append(f"{path.name}:{number}: no language")
            if line["ask"].casefold() in seen:
                faults.append(f"{path.name}:{number}: asked before")
            seen.add(line["ask"].casefold())
            counts["questions"] += 1
            counts[f"kind {line.get('kind')}"] += 1
            counts[f"lang {line.get('lang')}"] += 1
        else:
            faults.append(f"{path.name}:{number}: neither company, text nor question")
    return faults


def main() -> int:
    """Check the files named on the command line, or all."""
    paths = [Path(p) for p in sys.argv[1:]] or sorted(HERE.glob("*.jsonl"))
    counts: collections.Counter[str] = collections.Counter()
    faults = [fault for path in paths for fault in faults_of(path, counts)]
    sys.stdout.writelines(f"{fault}\n" for fault in faults)
    sys.stdout.write(json.dumps(dict(counts.most_common()), ensure_ascii=False) + "\n")
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
