import Bundles
import Foundation
import Marketplace
import Provenance
import Registry
import Scanning

/// What a catalogue of many versions costs: building and signing it, scanning it again under other rules, verifying it.
/// The versions are one real plugin under many numbers; each is a bundle of its own with all its reports and proofs. It
/// is the launch plugin whose bundle is the median of the five.
public struct RegistryBench: Sendable {
    private let programs: ProgramFiles
    private let folder: String
    private let versions: Int
    private static let plugin = "docusign"

    /// - Parameter folder: where the data directory is made; it is left there.
    public init(_ programs: ProgramFiles, folder: String, versions: Int) {
        self.programs = programs
        self.folder = folder
        self.versions = versions
    }

    public func run() async throws(PipelineError) -> String {
        let now = Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
        let data = try DataDirectory.create(folder, configuration: Configuration.template(demo: true))
        try DataSetUp.keys(data, now: now)
        let context = try RunContext.open(data: data, programs: programs, now: now)
        var lines: [String] = []
        let bundleBytes = try await fill(context)
        let progress = Progress(visible: false)

        var clock = Stopwatch()
        let listed = try await PublishStage().run(context, progress: progress)
        let files = Self.size("\(data.site)/public")
        lines.append(
            "index build: \(listed.done) versions listed, \(files.count) files, \(files.bytes) bytes: \(clock.words)"
        )
        lines.append(
            "a version: a bundle of \(bundleBytes) bytes (\(Self.plugin)), with pages, reports and proof "
                + "\(files.bytes / max(1, listed.done)) bytes")
        clock = Stopwatch()
        _ = try await PublishStage().run(context, progress: progress)
        lines.append("the same again, nothing new: \(clock.words)")

        clock = Stopwatch()
        let first = try await RescanStage().run(context, progress: progress)
        lines.append(
            "rescan, changed ruleset: \(first.done) versions, \(first.incomplete) incomplete: \(clock.rate(first.done)), \(clock.words)"
        )
        clock = Stopwatch()
        let second = try await RescanStage().run(context, progress: progress)
        lines.append(
            "rescan, nothing changed: \(second.totals["unchanged"] ?? "0") taken from the cache: \(clock.rate(second.done)), \(clock.words)"
        )

        clock = Stopwatch()
        let report = CatalogueVerifier.verify(
            directory: "\(data.site)/public", trust: .firstUse, asOf: now)
        lines.append(
            "verify in this process: \(report.filesChecked) files, \(report.proofsChecked) proofs, \(report.problems.count) problems: \(clock.megabytes(report.bytesChecked)), \(clock.words)"
        )
        lines += try Self.floor("\(data.site)/public")
        lines.append("peak memory: \(Stopwatch.peakMiB) MiB")
        return lines.joined(separator: "\n")
    }

    /// What no verifier of these files can do without, each alone on one core: their digests, and the signatures;
    /// beside them the same signatures as one equation, which is how they are verified.
    private static func floor(_ site: String) throws(PipelineError) -> [String] {
        let paths = Self.files(site)
        var clock = Stopwatch()
        do {
            for path in paths { _ = try Digest.sha256(ofFile: path) }
            let hashing = clock.words
            let trusted = try TrustedKeys(
                json: JSONValue.parse(Files.read("\(site)/\(CataloguePaths.trustedKeys)")))
            let keys = trusted.attest + trusted.publishers.values.joined()
            var signed: [(key: VerifyingKey, signature: [UInt8], message: [UInt8])] = []
            for path in paths where path.hasSuffix("/\(CataloguePaths.proofName)") {
                for envelope in try Proof(parsing: Files.read(path)).chain {
                    let message = Envelope.preAuthenticationEncoding(
                        payloadType: envelope.payloadType, payload: envelope.payload)
                    for signature in envelope.signatures {
                        guard let key = keys.first(where: { $0.keyID == signature.keyID }) else { continue }
                        signed.append((key, signature.bytes, message))
                    }
                }
            }
            clock = Stopwatch()
            let good = signed.filter { $0.key.isValid(signature: $0.signature, for: $0.message) }.count
            let singly = clock.words
            clock = Stopwatch()
            var batch = SignatureBatch()
            for item in signed { batch.add(item.signature, of: item.message, by: item.key) }
            let hold = batch.holds()
            return [
                "of that, alone on one core: the digests of \(paths.count) files \(hashing)",
                "\(good) signatures of \(signed.count) in proofs, one at a time \(singly)",
                "and together (\(hold ? "they hold" : "they do NOT hold")) \(clock.words)",
            ]
        } catch {
            throw PipelineError(.incomplete, "\(site) cannot be read: \(error)")
        }
    }

    /// One plugin goes the real way of scan and trial; the others are copies of it under other numbers. Gives the size
    /// of its bundle.
    private func fill(_ context: RunContext) async throws(PipelineError) -> Int {
        let key = SigningKey()
        let registry = context.registry
        let now = context.now
        let source = PluginFolder("\(programs.plugins)/\(Self.plugin)")
        try await source.build()
        let manifest = try source.manifest()
        let publisher = manifest.id.publisher
        _ = try PipelineError.translating { () throws(RegistryError) in
            try registry.registerPublisher(
                publisher, name: "Launch", email: "dev@example.com", country: "DE",
                currency: Currency("EUR")!, key: key.verifyingKey, now: now)
        }
        let items: [EntryStream.Item]
        do {
            items = try FolderStream.items(folder: source.path).filter {
                $0.kind == .file && BundleWriter.belongs($0.path)
            }
        } catch {
            throw PipelineError(.notFound, "\(source.path): \(error)")
        }
        var bundleBytes = 0
        var base: [String: [UInt8]] = [:]
        var baseDigest = ""
        for number in 0..<versions {
            let version = Version(1, UInt64(number), 0)
            let files = items.map { item -> (path: String, bytes: [UInt8]) in
                guard item.path == "plugin.json" else { return (item.path, item.bytes) }
                let text = String(decoding: item.bytes, as: UTF8.self)
                return (
                    item.path,
                    Array(
                        text.replacing(
                            "\"version\": \"\(manifest.version)\"", with: "\"version\": \"\(version)\""
                        ).utf8)
                )
            }
            let bytes: [UInt8]
            do { bytes = try BundleWriter.pack(files: files) } catch {
                throw PipelineError(.usage, "\(source.path) cannot be packed: \(error)")
            }
            bundleBytes = bytes.count
            let id = Digest.sha256(of: bytes)
            try Files.write(bytes, to: context.data.inbox(id))
            let signature = SubmissionSignature.sign(
                bundle: id, plugin: manifest.id, version: version, with: key)
            try Files.write(signature.serializedBytes, to: context.data.signature(id))
            let row = try PipelineError.translating { () throws(RegistryError) in
                try registry.receive(
                    bundle: id, byteCount: bytes.count, publisher: publisher, now: now
                ).submission
            }
            if number == 0 {
                for stage: any Stage in [IngestStage(), UnpackStage(), ScanStage(), TrialStage()] {
                    _ = try await stage.run(context, progress: Progress(visible: false))
                }
                baseDigest = id.hex
                for name in ProofMaker.evidence where name != "decision.json" {
                    base[name] = try Files.read(context.data.report(id, name))
                }
                try approve(row, from: .tried, manifest: try Self.value(files), version, context)
                continue
            }
            for (name, bytes) in base {
                let text = String(decoding: bytes, as: UTF8.self)
                    .replacing(baseDigest, with: id.hex)
                    .replacing("\"version\" : \"1.0.0\"", with: "\"version\" : \"\(version)\"")
                try Files.write(Array(text.utf8), to: context.data.report(id, name))
            }
            try UnpackedCache.store(UnpackedFiles(files: files), id, context.data)
            try approve(row, from: .received, manifest: try Self.value(files), version, context)
        }
        return bundleBytes
    }

    private static func value(_ files: [(path: String, bytes: [UInt8])]) throws(PipelineError) -> JSONValue {
        guard let bytes = files.first(where: { $0.path == "plugin.json" })?.bytes,
            let value = try? JSONValue.parse(bytes)
        else { throw PipelineError(.usage, "the sample plugin has no manifest") }
        return value
    }

    private func approve(
        _ row: Submission, from begin: SubmissionState, manifest: JSONValue, _ version: Version,
        _ context: RunContext
    ) throws(PipelineError) {
        let registry = context.registry
        let plugin = try source(manifest).id
        let steps: [(SubmissionState, SubmissionState)] = [
            (.received, .ingested), (.ingested, .unpacked), (.unpacked, .scanned), (.scanned, .tried),
            (.tried, .approved),
        ]
        for (from, to) in steps.drop(while: { $0.0 != begin }) {
            var records: [StageRecord] = []
            if to == .ingested { records = [.identity(plugin, version, manifest: manifest)] }
            if to == .approved {
                let item = try PipelineError.translating { () throws(RegistryError) in
                    try registry.submission(row.id)
                }
                let file = DecisionFile(
                    submission: item, verdict: .approve, decidedBy: "policy", reason: "low-risk",
                    rules: ["low-risk"], policy: nil, at: context.now)
                records = [.decision(file.record(try file.sign(context)))]
            }
            let given = records
            try PipelineError.translating { () throws(RegistryError) in
                guard
                    let lease = try registry.lease(in: from, id: row.id, owner: "bench", now: context.now)
                        .first
                else { throw RegistryError(.notFound, row.id.hex, "is not \(from.rawValue)") }
                _ = try registry.advance(
                    lease, to: to, reason: TransitionReason("bench", "Bench."), records: given,
                    actor: "bench", now: context.now)
            }
        }
    }

    private func source(_ manifest: JSONValue) throws(PipelineError) -> Manifest {
        try ManifestStore.manifest(manifest, of: "the sample plugin")
    }

    private static func size(_ folder: String) -> (count: Int, bytes: Int) {
        let files = files(folder)
        return (
            files.count,
            files.reduce(0) { sum, path in
                var status = stat()
                return lstat(path, &status) == 0 ? sum + Int(status.st_size) : sum
            }
        )
    }

    /// The regular files below a folder.
    private static func files(_ folder: String) -> [String] {
        let root = URL(fileURLWithPath: folder).resolvingSymlinksInPath().path
        var paths: [String] = []
        for case let name as String in FileManager.default.enumerator(atPath: root) ?? .init() {
            var status = stat()
            let path = "\(root)/\(name)"
            if lstat(path, &status) == 0, status.st_mode & S_IFMT == S_IFREG { paths.append(path) }
        }
        return paths
    }
}

/// Wall and processor time since it was made; processes that have ended are counted in.
struct Stopwatch {
    private let began = ContinuousClock.now
    private let cpu = Stopwatch.cpuSeconds

    private static func usage(_ who: __rusage_who) -> rusage {
        var usage = rusage()
        getrusage(__rusage_who_t(who.rawValue), &usage)
        return usage
    }

    private static var cpuSeconds: Double {
        [RUSAGE_SELF, RUSAGE_CHILDREN].reduce(0) { sum, who in
            let usage = usage(who)
            return sum + Double(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec)
                + Double(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6
        }
    }

    static var peakMiB: Int { Int(usage(RUSAGE_SELF).ru_maxrss) / 1_024 }

    private var seconds: Double {
        let duration = ContinuousClock.now - began
        return Double(duration.components.seconds) + Double(duration.components.attoseconds) / 1e18
    }

    private static func places(_ value: Double) -> String {
        DecimalText.format(Int128((value * 100).rounded()), decimals: 2)
    }

    var words: String {
        "\(Self.places(seconds)) s wall, \(Self.places(Self.cpuSeconds - cpu)) s CPU"
    }
    func rate(_ count: Int) -> String { "\(Self.places(Double(count) / seconds)) versions/s" }
    func megabytes(_ bytes: Int) -> String { "\(Self.places(Double(bytes) / 1e6 / seconds)) MB/s" }
}
