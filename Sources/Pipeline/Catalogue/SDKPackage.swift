import Foundation
import Marketplace
import Provenance
import Publishing

/// The SDK as a versioned tarball for download, laid out as package managers expect it, with its digest and a signature
/// of the `attest` key. The same files give the same bytes.
struct SDKPackage {
    let programs: ProgramFiles
    let attest: SigningKey

    static let payloadType = "application/vnd.veroforge.sdk+json"

    /// The tarball, the signature and the list; and what the page says of them. Nothing where there is no SDK.
    func files() throws(PipelineError) -> (files: [SiteFile], download: SDKDownload)? {
        let folder = "\(programs.plugins)/sdk"
        guard let bytes = try Files.readIfPresent("\(folder)/package.json"),
            let package = try? JSONValue.parse(bytes), let version = package["version"]?.stringValue,
            Version(version) != nil
        else { return nil }
        var entries: [(path: String, bytes: [UInt8])] = [("package/package.json", bytes)]
        for name in (package["files"]?.arrayValue ?? []).compactMap(\.stringValue) {
            for path in try Self.paths(folder, name) {
                entries.append(("package/\(path)", try Files.read("\(folder)/\(path)")))
            }
        }
        let archive = Tarball.gzip(entries)
        let place = "sdk/veroforge-sdk-\(version)"
        let digest = Digest.sha256(of: archive).hex
        let statement: JSONValue = [
            "schema": "veroforge.sdk/1", "name": "@veroforge/sdk", "version": .string(version),
            "file": .string("\(place).tgz"), "bytes": .integer(Int64(archive.count)),
            "sha256": .string(digest),
        ]
        let envelope = Envelope.sign(
            statement.serializedBytes(), payloadType: Self.payloadType, with: [attest])
        let download = SDKDownload(
            version: version, path: "\(place).tgz", signaturePath: "\(place).sig.json", sha256: digest,
            bytes: archive.count, keyID: attest.keyID)
        return (
            [
                SiteFile("\(place).tgz", archive), SiteFile("\(place).sig.json", envelope.serializedBytes),
                SiteFile("sdk/index.json", statement.serializedBytes(pretty: true) + [0x0A]),
            ], download
        )
    }

    private static func paths(_ folder: String, _ name: String) throws(PipelineError) -> [String] {
        let inner = Files.list("\(folder)/\(name)")
        if inner.isEmpty { return Files.exists("\(folder)/\(name)") ? [name] : [] }
        var paths: [String] = []
        for one in inner { paths += try Self.paths(folder, "\(name)/\(one)") }
        return paths
    }
}
