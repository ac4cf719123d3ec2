import Marketplace
import Sandbox
import Synchronization

/// Unpacks bundles in `veroforge-worker`: this process hands the bytes over and never looks into them. Workers are
/// started ahead, so that a bundle does not wait for a program to start and to confine itself.
final class WorkerUnpacker: BundleUnpacker {
    private let client: WorkerClient
    private let spares: Int
    private let waiting = Mutex<[WaitingWorker]>([])
    private static let deadlineMs: Int64 = 30_000
    private static let outputBytesMax = PlatformLimits.BundleBytes.unpackedMax + 32 * 1_048_576
    private static let job = "unpack"
    private static let pause = Duration.milliseconds(50)

    init(client: WorkerClient, spares: Int) {
        self.client = client
        self.spares = spares
    }

    /// Starts workers until enough wait.
    func warm() async {
        _ = try? await BlockingWork.run { [self] in
            while waiting.withLock({ $0.count < spares }), let next = client.prepare(job: Self.job) {
                waiting.withLock { $0.append(next) }
            }
        }
    }

    func unpack(_ bundle: [UInt8], digest: Digest) async throws(RuntimeError) -> [BundleFile] {
        let result = try await blocking { [self] in
            // One that has died while it waited is nobody's failure.
            while let worker = waiting.withLock({ $0.popLast() }) {
                guard worker.isThere else { continue }
                let result = worker.finish(
                    bundle, deadlineMs: Self.deadlineMs, outputBytesMax: Self.outputBytesMax,
                    until: EntryStreamReader.isWhole)
                if let result { return result }
            }
            return client.run(
                job: Self.job, input: .bytes(bundle), deadlineMs: Self.deadlineMs,
                outputBytesMax: Self.outputBytesMax)
        }
        Task {
            // The plugin whose bundle this is starts now, and needs the processors.
            try? await Task.sleep(for: Self.pause)
            await warm()
        }
        switch result.exit {
        case .completed(let output):
            guard let files = EntryStreamReader.files(output) else {
                throw RuntimeError(.unavailable, digest.hex, "the worker's answer cannot be read")
            }
            return files
        case .failed(let code, _):
            throw RuntimeError(.unavailable, digest.hex, "was refused by the worker (\(code))")
        case .crashed(let signal):
            throw RuntimeError(.unavailable, digest.hex, "the worker died by signal \(signal)")
        case .refused(let why):
            throw RuntimeError(.unavailable, digest.hex, "the worker could not confine itself: \(why)")
        case .timedOut:
            throw RuntimeError(.unavailable, digest.hex, "was not unpacked in \(Self.deadlineMs) ms")
        case .tooLong: throw RuntimeError(.unavailable, digest.hex, "is larger than a bundle may be")
        case .missing(let what): throw RuntimeError(.unavailable, "veroforge-worker", what)
        }
    }
}

/// Reads the worker's answer: `VFENTRY1`, then for each item a byte of kind (`F` a file, `S` one that was passed
/// over), the path's length (4 bytes, big-endian), the path, the content's length (8 bytes), the content; at last
/// `E` and the number of items (4 bytes).
enum EntryStreamReader {
    /// Whether the stream ends here. Where its last bytes cannot be an end, the rest is not looked at.
    static func isWhole(_ bytes: [UInt8]) -> Bool {
        bytes.suffix(5).first == UInt8(ascii: "E") && files(bytes) != nil
    }

    /// The files; nil when the stream is not whole.
    static func files(_ bytes: [UInt8]) -> [BundleFile]? {
        let magic = Array("VFENTRY1".utf8)
        guard bytes.starts(with: magic) else { return nil }
        var rest = bytes[magic.count...]
        func take(_ count: Int) -> ArraySlice<UInt8>? {
            guard count >= 0, count <= rest.count else { return nil }
            defer { rest = rest.dropFirst(count) }
            return rest.prefix(count)
        }
        func number(_ count: Int) -> Int? {
            guard let digits = take(count), digits.first.map({ $0 < 0x80 }) ?? false else { return nil }
            return digits.reduce(0) { $0 << 8 | Int($1) }
        }
        var files: [BundleFile] = []
        var items = 0
        while let tag = rest.popFirst() {
            if tag == UInt8(ascii: "E") { return number(4) == items && rest.isEmpty ? files : nil }
            guard tag == UInt8(ascii: "F") || tag == UInt8(ascii: "S"), let pathLength = number(4),
                let path = take(pathLength).flatMap({ String(validating: $0, as: UTF8.self) }),
                let length = number(8), let content = take(length)
            else { return nil }
            items += 1
            if tag == UInt8(ascii: "F") { files.append(BundleFile(path: path, bytes: Array(content))) }
        }
        return nil
    }
}
