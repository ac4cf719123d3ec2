import Foundation
import Marketplace
import Provenance

/// A small published catalogue with real proofs, built in code.
struct SampleSite {
    let folder = TemporaryFolder()
    let store: KeyStore
    let publisherKey = fixedKey(40)
    var log: TransparencyLog
    var files: [String: [UInt8]] = [:]

    static let start = Instant("2026-01-01T00:00:00Z")!
    static let publisher = PublisherID("acme")!
    var site: String { folder("site") }

    init(versions: Int = 2) throws {
        store = KeyStore(folder: folder("keys"))
        for (number, role) in KeyRole.allCases.enumerated() {
            try store.install(fixedKey(UInt8(50 + number)), for: role)
        }
        try store.createRootMetadata(now: Self.start)
        log = try TransparencyLog(path: folder("log"))
        files["index.html"] = bytes("<!doctype html><title>Catalogue</title>")
        files["assets/site.css"] = bytes("body{margin:0}")
        files[".well-known/security.txt"] = bytes("Contact: mailto:security@example.com\n")
        for number in 0..<versions { try addVersion(number) }
    }

    mutating func addVersion(_ number: Int) throws {
        let plugin = PluginID("acme.tool")!
        let version = Version(1, UInt64(number), 0)
        let base = "plugins/acme/tool/\(version)"
        let bundleBytes = bytes("bundle \(number)")
        let bundle = Digest.sha256(of: bundleBytes)
        files["bundles/\(bundle.hex).vfp"] = bundleBytes
        files["\(base)/index.html"] = bytes("<!doctype html><title>acme.tool \(version)</title>")
        files["\(base)/report/scan.json"] = bytes("{\"verdict\":\"clean\",\"n\":\(number)}")
        let attest = try store.signingKey(.attest)
        var chain: [Envelope] = []
        func link(_ step: ProofStep, _ artifacts: [ProofArtifact], by key: SigningKey) {
            let link = ProofLink(
                step: step, plugin: plugin, version: version, bundle: bundle, artifacts: artifacts,
                previous: chain.last?.payloadDigest)
            chain.append(link.statement.signed(with: [key]))
        }
        func published(_ name: String, _ path: String) -> ProofArtifact {
            ProofArtifact(name: name, digest: .sha256(of: files[path]!), path: path)
        }
        link(.submission, [published("bundle", "bundles/\(bundle.hex).vfp")], by: publisherKey)
        link(.unpack, [ProofArtifact(name: "entries", digest: .sha256(of: "entries \(number)"))], by: attest)
        link(.sbom, [ProofArtifact(name: "sbom.cdx.json", digest: .sha256(of: "sbom"))], by: attest)
        link(.scan, [published("scan.json", "\(base)/report/scan.json")], by: attest)
        link(.trial, [ProofArtifact(name: "trial.json", digest: .sha256(of: "trial"))], by: attest)
        link(.decision, [ProofArtifact(name: "decision.json", digest: .sha256(of: "decision"))], by: attest)
        let decision = chain.last!.payloadDigest
        link(.listing, [published("page", "\(base)/index.html")], by: attest)
        let entry = LogEntry(
            kind: .listed, plugin: plugin, version: version, subject: bundle, statement: decision,
            time: Self.start.adding(seconds: Int64(number)))
        try log.append(entry)
        files["\(base)/proof.json"] =
            Proof(chain: chain, log: Proof.LogPlace(of: entry, in: log)!).serializedBytes
    }

    /// Signs and writes the site; the build before is the one that lies there.
    @discardableResult
    func publish(now: Instant = start, policy: CataloguePolicy = CataloguePolicy()) throws -> [GeneratedFile]
    {
        let signer = try CatalogueSigner(store: store, policy: policy)
        let keys = TrustedKeys(
            attest: [try store.verifyingKey(.attest)],
            publishers: [Self.publisher: [publisherKey.verifyingKey]])
        let content =
            files.map { GeneratedFile(path: $0.key, bytes: $0.value) }
            + signer.trustFiles(log: log, keys: keys)
        let metadata = try signer.metadataFiles(for: content.map(\.published), now: now) {
            try? folder.read("site/\($0)")
        }
        try? FileManager.default.removeItem(atPath: site)
        for file in content + metadata { try folder.write("site/\(file.path)", file.bytes) }
        return metadata
    }

    func verify(_ trust: CatalogueTrust? = nil, asOf: Instant = start) throws -> VerificationReport {
        CatalogueVerifier.verify(
            directory: site, trust: try trust ?? .key(store.verifyingKey(.root)), asOf: asOf)
    }

    func paths() throws -> [String] {
        try FileManager.default.subpathsOfDirectory(atPath: site).filter {
            var isFolder: ObjCBool = false
            return FileManager.default.fileExists(atPath: "\(site)/\($0)", isDirectory: &isFolder)
                && !isFolder.boolValue
        }.sorted()
    }

    /// The site's files as a client fetches them.
    func fetch(_ path: String) -> [UInt8]? { try? folder.read("site/\(path)") }
}
