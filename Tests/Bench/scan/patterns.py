"""Every secret pattern of rules/secrets as a line: id, 1 where case does not count, the expression."""

import glob
import json

for path in sorted(glob.glob("rules/secrets/*.yaml")):
    rule = {}
    for line in [*open(path, encoding="utf-8"), "  - id: end"]:
        key, _, value = line.strip().removeprefix("- ").partition(": ")
        if key == "id":
            if rule:
                print(rule["id"], int(rule.get("ignore-case") == "true"), rule["pattern"], sep="\t")
            rule = {}
        if key in ("id", "ignore-case"):
            rule[key] = value
        if key == "pattern":
            rule[key] = json.loads(value)
