import Foundation
public import Marketplace
import Provenance

/// `catalogue verify`: a site directory alone, offline.
public struct CatalogueCheck: Sendable {
    public let isSound: Bool
    public let text: String
    public let json: String

    public static func verify(
        _ directory: String, root: String?, asOf: Instant
    ) throws(PipelineError) -> CatalogueCheck {
        guard Files.exists(directory) else {
            throw PipelineError(
                .notFound, "\(directory) does not exist", remedy: "Name the site's directory.")
        }
        let trust: CatalogueTrust
        if let root {
            let bytes = try Files.read(root)
            if bytes.first == UInt8(ascii: "{") {
                trust = .rootFile(root)
            } else {
                do {
                    trust = .key(try VerifyingKey(text: String(decoding: bytes, as: UTF8.self)))
                } catch {
                    throw PipelineError(
                        .usage, "\(root) is neither root metadata nor a public key: \(error.cause)")
                }
            }
        } else {
            trust = .firstUse
        }
        let report = CatalogueVerifier.verify(
            directory: directory, trust: trust, asOf: asOf,
            threads: ProcessInfo.processInfo.activeProcessorCount)
        var lines = report.problems.map { "BROKEN  \($0)" }
        lines.append(
            "\(report.filesChecked) files, \(report.bytesChecked) bytes, \(report.proofsChecked) proofs, "
                + "\(report.logSize) log entries checked")
        lines.append(report.isPinned ? "root: pinned" : "root: first use, not pinned")
        lines.append(
            report.holds
                ? "The catalogue holds." : "The catalogue does NOT hold: \(report.problems.count) problems.")
        return CatalogueCheck(
            isSound: report.holds, text: lines.joined(separator: "\n"), json: report.json.serialized())
    }
}
