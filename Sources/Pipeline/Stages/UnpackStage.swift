import Bundles
import Foundation
import Marketplace
import Provenance
import Registry

/// `ingested → unpacked | rejected`: every entry is read under the limits, in the confined worker.
struct UnpackStage: SubmissionStage {
    let name = "unpack"
    let summary = "reads the archive in a confined worker, bounded, and keeps its entries by digest"
    let from = SubmissionState.ingested

    func work(on submission: Submission, _ context: RunContext) async throws(PipelineError) -> Move {
        let bytes = try Files.read(context.data.inbox(submission.id))
        switch await (try Workshop(programs: context.programs)).unpack(bytes) {
        case .incomplete(let why): return Move(.incomplete, "worker", why)
        case .refused(let why): return Move(.rejected, "archive", why)
        case .done(let unpacked):
            try UnpackedCache.store(unpacked, submission.id, context.data)
            try Files.write(
                unpacked.listing(of: submission.id), to: context.data.report(submission.id, "unpack.json"))
            return Move(.unpacked, "unpacked", "\(unpacked.files.count) files, nothing refused.")
        }
    }
}

/// A bundle's files as the worker handed them out: paths are data here, never places in the file system.
public struct UnpackedFiles: Sendable {
    /// Path inside the bundle to content, sorted by path.
    public let files: [(path: String, bytes: [UInt8])]

    public var byPath: [String: [UInt8]] {
        Dictionary(files.map { ($0.path, $0.bytes) }, uniquingKeysWith: { $1 })
    }

    public func file(_ path: String) -> [UInt8]? { files.first { $0.path == path }?.bytes }

    /// `unpack.json`: what was found, by digest.
    func listing(of bundle: Digest) -> [UInt8] {
        let entries = files.map { file -> JSONValue in
            [
                "path": .string(file.path), "bytes": .integer(Int64(file.bytes.count)),
                "sha256": .string(Digest.sha256(of: file.bytes).hex),
            ]
        }
        let document: JSONValue = [
            "schema": "veroforge.unpack/1", "bundle": .string(bundle.hex), "entries": .array(entries),
        ]
        return document.serializedBytes(pretty: true) + [0x0A]
    }
}

/// Unpacked bundles by digest, so that the later stages need not ask the worker again. May be deleted at any time.
enum UnpackedCache {
    static func store(_ unpacked: UnpackedFiles, _ bundle: Digest, _ data: DataDirectory)
        throws(PipelineError)
    {
        let items = unpacked.files.map { EntryStream.Item(path: $0.path, bytes: $0.bytes) }
        try Files.write(EntryStream.encode(items), to: "\(data.cache)/\(bundle).entries")
    }

    /// From the cache, or from the worker again.
    static func load(_ bundle: Digest, _ context: RunContext) async throws(PipelineError) -> UnpackedFiles {
        if let bytes = try Files.readIfPresent("\(context.data.cache)/\(bundle).entries"),
            let items = try? EntryStream.decode(bytes)
        {
            return UnpackedFiles(files: items.map { ($0.path, $0.bytes) })
        }
        let path = context.data.bundle(bundle)
        let bytes = Files.exists(path) ? try Files.read(path) : try Files.read(context.data.inbox(bundle))
        switch await (try Workshop(programs: context.programs)).unpack(bytes) {
        case .done(let unpacked):
            try store(unpacked, bundle, context.data)
            return unpacked
        case .refused(let why), .incomplete(let why):
            throw PipelineError(.incomplete, "\(bundle) cannot be unpacked again: \(why)")
        }
    }
}
