import Bundles
import Foundation
import Marketplace
import Publishing
import Sandbox
public import Scanning
import Synchronization

/// Everything that is done with strangers' bytes, each job in one confined `veroforge-worker` that ends after it.
/// Whatever happens to the worker, the answer is never "clean".
public struct Workshop: Sendable {
    private let client: WorkerClient
    private let rules: TrustedBlob
    /// What the worker is given as its rules.
    let rulesBytes: [UInt8]

    /// Fails if `rules/` cannot be read; a missing worker shows at the first job, as `incomplete`.
    public init(programs: ProgramFiles) throws(PipelineError) {
        client = WorkerClient(executable: programs.worker, seccompList: programs.seccompWorker)
        do {
            rulesBytes = try RulesBlob.bytes(folder: programs.rules)
            rules = TrustedBlob(rulesBytes)
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
        _ name: String, _ arguments: JSONValue, _ input: [UInt8], further: [String] = [], deadlineMs: Int64
    ) async -> Answer<[UInt8]> {
        let given: [String]
        do { given = try [rules.path()] + further } catch { return .incomplete("\(error)") }
        let result = client.run(
            job: name, arguments: arguments, input: .bytes(input), furtherInputs: given,
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

    /// From this size on a scan is spread over processes: below it, starting them costs more than it saves.
    private static let spreadBytesMin = 512 * 1_024

    /// The static checks, without what only the host can look up. A worker is one process of one thread, so that it can
    /// be confined to that; the files of a large bundle go to as many of them as there are cores, and one more joins
    /// what they found.
    func scan(
        _ archive: [UInt8], name: String, today: Day,
        cores: Int = ProcessInfo.processInfo.activeProcessorCount
    ) async -> Answer<ScanOutcome> {
        let parts = archive.count < Self.spreadBytesMin ? 1 : min(max(1, cores), 8)
        var arguments: [String: JSONValue] = ["name": .string(name), "today": .string(today.description)]
        guard parts > 1 else {
            return await job("scan", .object(arguments), archive, deadlineMs: 300_000).map {
                try ScanOutcome(json: $0)
            }
        }
        var shares: [EntryStream.Item] = []
        for (part, answer) in await spread(archive, arguments, parts).enumerated() {
            switch answer {
            case .done(let bytes): shares.append(EntryStream.Item(path: "\(part)", bytes: bytes))
            case .refused(let why): return .refused(why)
            case .incomplete(let why): return .incomplete(why)
            }
        }
        do {
            let blob = TrustedBlob(EntryStream.encode(shares))
            defer { withExtendedLifetime(blob) {} }
            arguments["known"] = .bool(true)
            let further = [try blob.path()]
            return await job("scan", .object(arguments), archive, further: further, deadlineMs: 300_000)
                .map {
                    try ScanOutcome(json: $0)
                }
        } catch {
            return .incomplete("\(error)")
        }
    }

    /// One worker for each share of the files, all at once; their answers in the order of the shares.
    private func spread(
        _ archive: [UInt8], _ arguments: [String: JSONValue], _ parts: Int
    ) async -> [Answer<[UInt8]>] {
        await withTaskGroup(of: (Int, Answer<[UInt8]>).self) { group in
            for part in 0..<parts {
                var own = arguments
                own["part"] = .integer(Int64(part))
                own["parts"] = .integer(Int64(parts))
                let given = own
                group.addTask {
                    (part, await job("scan", .object(given), archive, deadlineMs: 300_000))
                }
            }
            var answers: [(Int, Answer<[UInt8]>)] = []
            for await answer in group { answers.append(answer) }
            return answers.sorted { $0.0 < $1.0 }.map(\.1)
        }
    }

    /// What the scanner's speed and its judgement of harmless packages are measured with.
    public func bench(_ folder: [UInt8]) async -> Answer<ScanBench> {
        await job("bench", [:], folder, deadlineMs: 3_600_000).map { try ScanBench(json: $0) }
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

/// Bytes of our own in a file that lives as long as this value: a worker gets it as one inherited descriptor. The file
/// is written when the first worker wants it, so that what starts none writes none.
final class TrustedBlob: Sendable {
    private let bytes: [UInt8]
    private let file = Mutex<String?>(nil)

    init(_ bytes: [UInt8]) { self.bytes = bytes }

    func path() throws(PipelineError) -> String {
        try file.withLock { (file: inout String?) throws(PipelineError) -> String in
            if let file { return file }
            let path = "\(NSTemporaryDirectory())/veroforge-rules-\(UUID().uuidString)"
            try Files.write(bytes, to: path, mode: 0o600)
            file = path
            return path
        }
    }

    deinit { if let path = file.withLock(\.self) { unlink(path) } }
}
