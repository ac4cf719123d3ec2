#!/usr/bin/env python3
"""Checks payout files against the schema of pain.001.001.09, which comes with the package sepaxml.

Takes a folder, looks at every `*.pain.001.xml` below it, and ends with 0 if all are valid and their sums hold.
"""

import decimal
import pathlib
import sys

import lxml.etree
import sepaxml

NAMESPACE = {"p": "urn:iso:std:iso:20022:tech:xsd:pain.001.001.09"}


def main() -> int:
    schema = lxml.etree.XMLSchema(
        file=str(pathlib.Path(sepaxml.__file__).parent / "schemas" / "pain.001.001.09.xsd")
    )
    files = sorted(pathlib.Path(sys.argv[1]).glob("**/*.pain.001.xml"))
    broken = 0
    for path in files:
        tree = lxml.etree.parse(str(path))
        if not schema.validate(tree):
            broken += 1
            print(f"{path.name}: {schema.error_log.last_error}")
        amounts = [decimal.Decimal(e.text) for e in tree.iterfind(".//p:InstdAmt", NAMESPACE)]
        for total in tree.iterfind(".//p:CtrlSum", NAMESPACE):
            if decimal.Decimal(total.text) != sum(amounts):
                broken += 1
                print(f"{path.name}: the control sum is {total.text}, the amounts are {sum(amounts)}")
        for count in tree.iterfind(".//p:NbOfTxs", NAMESPACE):
            if int(count.text) != len(amounts):
                broken += 1
                print(f"{path.name}: {count.text} transactions are told, {len(amounts)} are there")
    print(f"{len(files)} payout files hold" if not broken else f"{broken} are broken")
    return 1 if broken or not files else 0


if __name__ == "__main__":
    sys.exit(main())
