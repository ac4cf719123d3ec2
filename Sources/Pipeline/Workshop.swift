import Bundles
import Foundation
import Marketplace
import Publishing
import Sandbox
import Scanning

/// Everything that is done with strangers' bytes, each job in one confined `veroforge-worker` that ends after it.
/// Whatever happens to the worker, the answer is never "clean".
public struct Workshop: Sendable {
    private let client: WorkerClient
    private let rules: TrustedBlob

    /// Fails if `rules/` cannot be read; a missing worker shows at the first job, as `incomplete`.
    public init(programs: ProgramFiles) throws(PipelineError) {
        client = WorkerClient(executable: programs.worker, seccompList: programs.seccompWorker)
        do {
            rules = try TrustedBlob(RulesBlob.bytes(folder: programs.rules))
        } catch let error as PipelineError {
            throw error
        } catch {
            throw PipelineError(.usage, "\(programs.rules): \(error)", remedy: "Restore the rules folder.")
        }
    }

    /// What a job of the worker came to.
    public enum Answer<T: Sendable>: Sendable {
        case done(T)
        /// The bundle is not what it should be, in words for its publisher.
        case refused(String)
        /// The check did not complete: the worker is missing, died, ran out of time or of its limits.
        case incomplete(String)

        func map<U: Sendable>(_ body: (T) throws -> U) -> Workshop.Answer<U> {
            switch self {
            case .refused(let why): return .refused(why)
            case .incomplete(let why): return .incomplete(why)
            case .done(let value):
                do { return .done(try body(value)) } catch {
                    return .incomplete("the worker's answer cannot be read: \(error)")
                }
            }
        }
    }

    /// Runs a job off the caller's thread: the client waits for the process.
    private func job(
        _ name: String, _ arguments: JSONValue, _ input: [UInt8], deadlineMs: Int64
    ) async -> Answer<[UInt8]> {
        let result = client.run(
            job: name, arguments: arguments, input: .bytes(input), furtherInputs: [rules.path],
            deadlineMs: deadlineMs, outputBytesMax: PlatformLimits.BundleBytes.unpackedMax + 32 * 1_048_576)
        let said = result.diagnostics.isEmpty ? "" : ": \(result.diagnostics)"
        switch result.exit {
        case .completed(let bytes): return .done(bytes)
        case .failed(let code, _): return .incomplete("the worker ended \(name) with code \(code)\(said)")
        case .crashed(let signal): return .incomplete("the worker died in \(name) by signal \(signal)\(said)")
        case .refused(let why): return .incomplete("the worker was stopped in \(name): \(why)")
        case .timedOut: return .incomplete("the worker did not end \(name) within \(deadlineMs) ms")
        case .tooLong: return .incomplete("the worker's answer to \(name) is too long")
        case .missing(let why): return .incomplete("the worker could not be started: \(why)")
        }
    }
}

extension Workshop {
    /// The manifest's bytes, as they stand in the archive.
    func inspect(_ archive: [UInt8]) async -> Answer<[UInt8]> {
        let answer = await job("inspect", [:], archive, deadlineMs: 60_000).map { try Inspection(json: $0) }
        switch answer {
        case .incomplete(let why): return .incomplete(why)
        case .refused(let why): return .refused(why)
        case .done(let inspection):
            if let problem = inspection.problems.first {
                return .refused(
                    "\(problem.rule): \(problem.path.isEmpty ? "archive" : problem.path): \(problem.message)")
            }
            guard let manifest = inspection.manifest else {
                return .refused(inspection.manifestProblems.first ?? "the bundle holds no plugin.json")
            }
            return .done(Array(manifest.utf8))
        }
    }

    /// The files of a sound archive.
    func unpack(_ archive: [UInt8]) async -> Answer<UnpackedFiles> {
        await job("unpack", [:], archive, deadlineMs: 60_000).map { bytes in
            let items = try EntryStream.decode(bytes).filter { $0.kind == .file }
            return UnpackedFiles(files: items.map { ($0.path, $0.bytes) }.sorted { $0.0 < $1.0 })
        }
    }

    /// The static checks, without what only the host can look up.
    func scan(_ archive: [UInt8], name: String, today: Day) async -> Answer<ScanOutcome> {
        await job(
            "scan", ["name": .string(name), "today": .string(today.description)], archive, deadlineMs: 300_000
        )
        .map { try ScanOutcome(json: $0) }
    }

    /// A stranger's Markdown as JSON of `RenderedMarkdown`, not yet trusted.
    func markdown(
        _ text: [UInt8], idPrefix: String, images: [BundleImage] = []
    ) async -> Answer<[UInt8]> {
        let rows = images.map { image -> JSONValue in
            [
                "path": .string(image.path), "sitePath": .string(image.sitePath),
                "width": .integer(Int64(image.width)), "height": .integer(Int64(image.height)),
                "alt": .string(image.alt),
            ]
        }
        return await job(
            "markdown", ["idPrefix": .string(idPrefix), "images": .array(rows)], text, deadlineMs: 20_000)
    }

    /// A stranger's picture made anew, as JSON of `RemadePicture`.
    func image(_ bytes: [UInt8]) async -> Answer<[UInt8]> {
        await job("image", [:], bytes, deadlineMs: 20_000)
    }
}

/// Bytes of our own in a file that lives as long as this value: a worker gets it as one inherited descriptor.
final class TrustedBlob: Sendable {
    let path: String

    init(_ bytes: [UInt8]) throws(PipelineError) {
        path = "\(NSTemporaryDirectory())/veroforge-rules-\(UUID().uuidString)"
        try Files.write(bytes, to: path, mode: 0o600)
    }

    deinit { unlink(path) }
}
