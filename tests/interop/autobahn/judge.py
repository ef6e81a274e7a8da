"""Judges a report of Autobahn: there must be a result for every case, and every one must be OK."""
import collections
import json
import sys

NAME, WHAT, CASES, REPORT = sys.argv[1:]
CASES = int(CASES)
# By design: how the peer closes is for information only.
INFORMATIONAL = {"7.1.6", "7.13.1", "7.13.2"}

results = json.load(open(REPORT))["sansocket"]
bad = [
    (case, result["behavior"], result["behaviorClose"])
    for case, result in sorted(results.items())
    if not (
        result["behavior"] == "OK" and result["behaviorClose"] in ("OK", "INFORMATIONAL")
        or result["behavior"] == "INFORMATIONAL" and case in INFORMATIONAL
    )
]
for line in bad[:20]:
    print("%s: case %s: %s, its close %s" % ((NAME,) + line))
counts = collections.Counter(result["behavior"] for result in results.values())
print("%s: %d cases of %s: %s" % (NAME, len(results), WHAT, dict(counts)))
if len(results) != CASES:
    print("%s: %d cases were expected" % (NAME, CASES))
sys.exit(bool(bad) or len(results) != CASES)
