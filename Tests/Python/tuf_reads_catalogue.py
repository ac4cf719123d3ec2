"""Reads a published catalogue with programs that others wrote.

    tuf_reads_catalogue.py SITE PINNED_ROOT WORK

The pinned root is all that python-tuf's client starts from; every published file must be a target that it downloads
and verifies. Every envelope of every proof must verify under securesystemslib's DSSE and be a Statement that
in-toto-attestation accepts. Ends with 0 and a line of counts, or with a traceback.
"""

import json
import os
import sys

from google.protobuf import json_format
from in_toto_attestation.v1.statement import Statement
from in_toto_attestation.v1 import statement_pb2
from securesystemslib.dsse import Envelope
from securesystemslib.signer import SSlibKey
from tuf.api.exceptions import DownloadHTTPError
from tuf.ngclient import FetcherInterface, Updater, UpdaterConfig


class FolderFetcher(FetcherInterface):
    """Serves a folder in the place of a web server."""

    def __init__(self, folder):
        self.folder = folder

    def _fetch(self, url):
        path = os.path.join(self.folder, url.removeprefix("https://catalogue.example.com/"))
        if not os.path.isfile(path):
            raise DownloadHTTPError(f"no such file: {url}", 404)
        with open(path, "rb") as file:
            yield file.read()


def key_of(public_hex):
    key = {"keytype": "ed25519", "scheme": "ed25519", "keyval": {"public": public_hex}}
    canonical = json.dumps(key, sort_keys=True, separators=(",", ":"))
    import hashlib

    return SSlibKey.from_dict(hashlib.sha256(canonical.encode()).hexdigest(), dict(key))


def main(site, pinned_root, work):
    with open(pinned_root, "rb") as file:
        root = file.read()
    os.makedirs(os.path.join(work, "downloads"), exist_ok=True)
    updater = Updater(
        metadata_dir=os.path.join(work, "metadata"),
        metadata_base_url="https://catalogue.example.com/metadata/",
        target_dir=os.path.join(work, "downloads"),
        target_base_url="https://catalogue.example.com/",
        fetcher=FolderFetcher(site),
        config=UpdaterConfig(prefix_targets_with_hash=False),
        bootstrap=root,
    )
    updater.refresh()
    files = 0
    for folder, _, names in os.walk(site):
        for name in names:
            path = os.path.relpath(os.path.join(folder, name), site)
            if path.startswith("metadata/"):
                continue
            info = updater.get_targetinfo(path)
            assert info is not None, f"{path} is no target"
            updater.download_target(info, os.path.join(work, "downloads", "one"))
            files += 1
    assert updater.get_targetinfo("no/such/file") is None

    with open(os.path.join(site, "trust/keys.json"), "rb") as file:
        trusted = json.load(file)
    attest = [key_of(public) for public in trusted["attest"]]
    statements = 0
    for folder, _, names in os.walk(site):
        if "proof.json" not in names:
            continue
        with open(os.path.join(folder, "proof.json"), "rb") as file:
            proof = json.load(file)
        for item in proof["chain"]:
            envelope = Envelope.from_dict(dict(item))
            payload = json.loads(envelope.payload)
            publisher = payload["predicate"]["plugin"].split(".")[0]
            is_submission = payload["predicateType"].endswith("/submission/v1")
            keys = [key_of(key) for key in trusted["publishers"][publisher]] if is_submission else attest
            assert envelope.payload_type == "application/vnd.in-toto+json"
            envelope.verify(keys, 1)
            parsed = json_format.Parse(envelope.payload, statement_pb2.Statement())
            Statement.copy_from_pb(parsed).validate()
            statements += 1
    print(f"{files} targets, {statements} statements, root version {updater._trusted_set.root.version}")


if __name__ == "__main__":
    main(*sys.argv[1:])
