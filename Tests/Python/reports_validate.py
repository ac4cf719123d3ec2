"""Reads the reports that a scan wrote with programs and schemas that others wrote.

    reports_validate.py SARIF-SCHEMA SBOM… SARIF…

A `.cdx.json` must hold under cyclonedx-python-lib's strict JSON validator, a `.sarif` under the schema of SARIF 2.1.0,
with every rule index and every region within its bounds. Ends with 0 and a line of counts, or says what is wrong.
"""

import json
import sys

from cyclonedx.schema import SchemaVersion
from cyclonedx.validation.json import JsonStrictValidator
from jsonschema import Draft7Validator


def check_sbom(path):
    with open(path, encoding="utf-8") as file:
        text = file.read()
    version = SchemaVersion.from_version(json.loads(text)["specVersion"])
    error = JsonStrictValidator(version).validate_str(text)
    assert error is None, f"{path}: {error}"


def check_sarif(path, schema):
    with open(path, encoding="utf-8") as file:
        document = json.load(file)
    problems = [f"{error.json_path}: {error.message}" for error in schema.iter_errors(document)]
    assert not problems, f"{path}: {problems[:5]}"
    for run in document["runs"]:
        rules = run["tool"]["driver"].get("rules", [])
        for result in run.get("results", []):
            if "ruleIndex" in result:
                assert rules[result["ruleIndex"]]["id"] == result["ruleId"], path
            for location in result.get("locations", []):
                region = location["physicalLocation"].get("region")
                if region is not None:
                    assert region["startLine"] >= 1 and region.get("startColumn", 1) >= 1, f"{path}: {region}"


def main(schema_path, paths):
    with open(schema_path, encoding="utf-8") as file:
        schema = json.load(file)
    assert "SARIF" in schema["title"] and "2.1.0" in schema["title"], schema_path
    Draft7Validator.check_schema(schema)
    sboms = [path for path in paths if path.endswith(".cdx.json")]
    sarifs = [path for path in paths if path.endswith(".sarif")]
    for path in sboms:
        check_sbom(path)
    for path in sarifs:
        check_sarif(path, Draft7Validator(schema))
    print(f"{len(sboms)} SBOMs and {len(sarifs)} SARIF files are valid")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2:])
