"""Reads the reports that a scan wrote with programs that others wrote.

    reports_validate.py SBOM… SARIF…

A `.cdx.json` must hold under cyclonedx-python-lib's strict JSON validator, a `.sarif` under sarif-pydantic's model of
SARIF 2.1.0 (required properties, types, enumerations), with every property known to the model, every rule index and
every region within its bounds. Ends with 0 and a line of counts, or says what is wrong.
"""

import json
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from sarif_pydantic import Sarif

# In the standard (§3.14.17), and not yet in the model.
STANDARD = {"$.runs[0].columnKind"}


def check_sbom(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    version = SchemaVersion.from_version(json.loads(text)["specVersion"])
    error = JsonStrictValidator(version).validate_str(text)
    assert error is None, f"{path}: {error}"


def unknown(model, path="$"):
    """Properties that the standard's model does not name; the free `properties` bags are no such."""
    found = []
    if isinstance(model, list):
        for index, item in enumerate(model):
            found += unknown(item, f"{path}[{index}]")
        return found
    fields = getattr(type(model), "model_fields", None)
    if fields is None:
        return found
    for name in getattr(model, "model_extra", None) or {}:
        if name != "properties":
            found.append(f"{path}.{name}")
    for name in fields:
        found += unknown(getattr(model, name), f"{path}.{name}")
    return found


def check_sarif(path):
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    model = Sarif.model_validate(document)
    strange = [name for name in unknown(model) if not name.endswith(".$schema") and name not in STANDARD]
    assert not strange, f"{path}: properties that SARIF does not have: {strange}"
    assert document["version"] == "2.1.0"
    for run in document["runs"]:
        rules = run["tool"]["driver"].get("rules", [])
        for result in run.get("results", []):
            if "ruleIndex" in result:
                assert rules[result["ruleIndex"]]["id"] == result["ruleId"], path
            assert result["level"] in ("none", "note", "warning", "error"), path
            for location in result.get("locations", []):
                region = location["physicalLocation"].get("region")
                if region is not None:
                    assert region["startLine"] >= 1 and region.get("startColumn", 1) >= 1, f"{path}: {region}"


def main(paths):
    sboms = [path for path in paths if path.endswith(".cdx.json")]
    sarifs = [path for path in paths if path.endswith(".sarif")]
    for path in sboms:
        check_sbom(path)
    for path in sarifs:
        check_sarif(path)
    print(f"{len(sboms)} SBOMs and {len(sarifs)} SARIF files are valid")


if __name__ == "__main__":
    main(sys.argv[1:])
