// `catalogue verify`: a site's directory, offline, against one public key. The metadata's chain, every file's digest
// in parallel, files that nobody signed, the log, and every version's proof.
import Dispatch
public import Marketplace
import Synchronization

public enum CatalogueVerifier {
    /// Verifies the site in `directory` as of a moment. Never throws: what cannot be read is a problem of the report.
    public static func verify(
        directory: String, trust: CatalogueTrust, asOf: Instant, threads: Int = 2
    ) -> VerificationReport {
        var check = MetadataCheck(directory: directory, asOf: asOf)
        check.run(trust)
        var report = check.report
        let entries: [SiteTree.Entry]
        do { entries = try SiteTree.entries(of: directory) } catch {
            report.add(.file, directory, error.cause)
            return report
        }
        let present = entries.filter { !check.accounted.contains($0.path) }
        let digests = digests(of: present, in: directory, threads: threads, &report)
        if let files = check.files {
            compare(files, digests, present, isWhole: check.hasEveryBin, &report)
        }
        let log = checkLog(directory, digests, &report)
        if let (keys, log) = log {
            checkStatements(directory, keys, log, &report)
            checkProofs(directory, digests, keys, log, threads: threads, &report)
        }
        return report
    }

    /// Behind every entry that is no listing stands a statement that the marketplace has signed.
    private static func checkStatements(
        _ directory: String, _ keys: TrustedKeys, _ log: TransparencyLog, _ report: inout VerificationReport
    ) {
        for (index, entry) in log.entries.enumerated() where entry.kind != .listed {
            let path = LogStatement.path(entry.statement)
            guard let bytes = try? Files.bytes(of: "\(directory)/\(path)", limitBytes: 1 << 20) else {
                report.add(.log, path, "is missing; entry \(index) of the log names it")
                continue
            }
            if let problem = LogStatement.problem(with: bytes, for: entry, keys: keys.attest) {
                report.add(.log, path, problem)
            }
        }
    }

    /// The digest and length of every regular file, worked out by several threads.
    private static func digests(
        of entries: [SiteTree.Entry], in directory: String, threads: Int, _ report: inout VerificationReport
    ) -> [String: TUFFile] {
        let next = Atomic<Int>(0)
        let found = Mutex<(files: [String: TUFFile], problems: [(String, String)])>(([:], []))
        DispatchQueue.concurrentPerform(iterations: max(1, threads)) { _ in
            var files: [(String, TUFFile)] = []
            var problems: [(String, String)] = []
            while true {
                let index = next.wrappingAdd(1, ordering: .relaxed).oldValue
                guard index < entries.count else { break }
                let entry = entries[index]
                guard entry.isRegular else {
                    problems.append((entry.path, "is no regular file; a catalogue holds nothing else"))
                    continue
                }
                do {
                    let (digest, length) = try Marketplace.Digest.sha256(ofFile: "\(directory)/\(entry.path)")
                    files.append((entry.path, TUFFile(digest: digest, length: length)))
                } catch {
                    problems.append((entry.path, "\(error)"))
                }
            }
            found.withLock {
                for (path, file) in files { $0.files[path] = file }
                $0.problems += problems
            }
        }
        let (files, problems) = found.withLock { ($0.files, $0.problems) }
        for (path, message) in problems.sorted(by: { $0.0 < $1.0 }) { report.add(.file, path, message) }
        report.filesChecked = files.count
        report.bytesChecked = files.values.reduce(0) { $0 + $1.length }
        return files
    }

    private static func compare(
        _ signed: [String: TUFFile], _ present: [String: TUFFile], _ entries: [SiteTree.Entry], isWhole: Bool,
        _ report: inout VerificationReport
    ) {
        let wrong = signed.filter { present[$0.key] != $0.value }
        for path in wrong.keys.sorted() {
            guard let found = present[path] else {
                if !entries.contains(where: { $0.path == path && !$0.isRegular }) {
                    report.add(.file, path, "is signed and missing")
                }
                continue
            }
            report.add(
                .file, path,
                "is not the file that was signed (\(found.length) bytes, SHA-256 \(found.digest))")
        }
        guard isWhole else { return }
        for path in present.keys.filter({ signed[$0] == nil }).sorted() {
            report.add(.unsigned, path, "is not signed")
        }
    }

    /// The trusted keys and the log, checked against the log's signed head.
    private static func checkLog(
        _ directory: String, _ digests: [String: TUFFile], _ report: inout VerificationReport
    ) -> (TrustedKeys, TransparencyLog)? {
        var current = CataloguePaths.trustedKeys
        do {
            let keys = try TrustedKeys(
                json: try JSONDocument.parse(try Files.bytes(of: "\(directory)/\(current)"), current))
            current = CataloguePaths.log
            let log = try TransparencyLog(
                parsing: try Files.bytes(of: "\(directory)/\(current)"), subject: current)
            report.logSize = log.count
            current = CataloguePaths.checkpoint
            let head = try Checkpoint(
                verifying: try Envelope(parsing: try Files.bytes(of: "\(directory)/\(current)")),
                keys: keys.attest)
            if head != Checkpoint(size: log.count, root: log.tree.root()) {
                report.add(.log, current, "is not the head of the published log")
            }
            return (keys, log)
        } catch {
            report.add(.log, current, error.cause)
            return nil
        }
    }

    /// How many proofs' signatures are checked together: many enough that a signature costs little, few enough that
    /// one that is bad sends few others the long way.
    private static let proofsTogether = 128

    private static func checkProofs(
        _ directory: String, _ digests: [String: TUFFile], _ keys: TrustedKeys, _ log: TransparencyLog,
        threads: Int, _ report: inout VerificationReport
    ) {
        let paths = digests.keys.filter { $0.hasSuffix("/\(CataloguePaths.proofName)") }.sorted()
        report.proofsChecked = paths.count
        let next = Atomic<Int>(0)
        let found = Mutex<[String: (problems: [String], entry: LogEntry?)]>([:])
        DispatchQueue.concurrentPerform(iterations: max(1, threads)) { _ in
            while true {
                let start = next.wrappingAdd(proofsTogether, ordering: .relaxed).oldValue
                guard start < paths.count else { break }
                let part = paths[start..<min(start + proofsTogether, paths.count)]
                let results = judge(part, directory, digests, keys, log)
                found.withLock { for (path, result) in zip(part, results) { $0[path] = result } }
            }
        }
        let results = found.withLock { $0 }
        for path in paths {
            for message in results[path]?.problems ?? [] { report.add(.proof, path, message) }
        }
        // A version that the log lists must have its proof, or someone took the page out without saying so.
        let proven = Set(results.values.compactMap(\.entry))
        for (index, entry) in log.entries.enumerated() where entry.kind == .listed && !proven.contains(entry)
        {
            let name = [entry.plugin?.text, entry.version?.description].compactMap(\.self).joined(
                separator: " ")
            report.add(
                .log, CataloguePaths.log, "lists \(name) in entry \(index), which has no proof in the site")
        }
    }

    /// What is wrong with each of some proofs, and the entry of the log that it belongs to.
    private static func judge(
        _ paths: ArraySlice<String>, _ directory: String, _ digests: [String: TUFFile], _ keys: TrustedKeys,
        _ log: TransparencyLog
    ) -> [(problems: [String], entry: LogEntry?)] {
        let publishedDigest = { (path: String) in digests[path]?.digest }
        var signatures = SignatureBatch()
        let proofs = paths.map { path in
            Result { () throws(ProvenanceError) in
                let proof = try Proof(parsing: try Files.bytes(of: "\(directory)/\(path)"), subject: path)
                let problems = proof.problems(keys: keys, log: log, publishedDigest: publishedDigest) {
                    (envelope, signers) throws(ProvenanceError) in
                    if !signatures.add(envelope, by: signers) {
                        try Statement.verify(envelope, keys: signers)
                    }
                }
                return (proof, problems)
            }
        }
        let hold = signatures.holds()
        return proofs.map { result in
            switch result {
            case .success((let proof, let problems)):
                (
                    hold
                        ? problems
                        : proof.problems(keys: keys, log: log, publishedDigest: publishedDigest),
                    proof.log.entry
                )
            case .failure(let error): ([error.cause], nil)
            }
        }
    }
}
