import Dispatch
import Glibc
import Marketplace
import Provenance
import Synchronization

/// Writes a build, from several threads, and keeps the record of it. What the public build made from the same inputs
/// is taken over by a hard link; and where a build from before that lies spare, only the difference is written into it.
final class SiteWriter: Sendable {
    let site: String
    let folder: String
    private let baseURL: String
    /// The public build.
    private let before: (record: BuildRecord, folder: String)?
    /// What `folder` held when it was taken.
    private let spare: BuildRecord?
    private let state = Mutex(State())

    private struct State {
        var records: [String: SiteFileRecord] = [:]
        var folders: Set<String> = []
        var links = LinkCheck()
        var pieces: [String: (inputs: String, lines: [UInt8])] = [:]
        var adopted: Set<String> = []
        var failure: PublishingError?
        var done = 0
    }

    var records: [String: SiteFileRecord] { state.withLock { $0.records } }
    /// How many pieces were made, not taken over.
    var madeCount: Int { state.withLock { $0.pieces.count - $0.adopted.count } }

    /// A folder below `<site>/builds`: the spare one, or a new one.
    init(site: String, baseURL: String) throws(PublishingError) {
        try SiteFiles.makeFolder("\(site)/builds")
        var path = Array("\(site)/builds/.staging-XXXXXX".utf8CString)
        guard path.withUnsafeMutableBufferPointer({ mkdtemp($0.baseAddress!) }) != nil else {
            throw SiteFiles.failure("cannot be made", "\(site)/builds")
        }
        folder = String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        self.site = site
        self.baseURL = baseURL
        before = SiteSwap.current(in: site).flatMap { digest in
            SiteSwap.record(of: digest, in: site).map { ($0, "\(site)/builds/\(digest)") }
        }
        spare = SiteSwap.takeSpare(in: site, as: folder)
        chmod(folder, 0o755)
        if let before {
            let pieces = before.record.names.count
            // A plugin's piece has nine files; growing the table step by step would fill it twice.
            state.withLock { $0.records.reserveCapacity(pieces * 9) }
        }
    }

    /// A folder that stands for itself, with nothing to take over.
    init(folder: String) {
        self.folder = folder
        site = folder
        baseURL = ""
        before = nil
        spare = nil
    }

    // MARK: Pieces

    /// Goes through all pieces over the cores, those that need no making first; the first failure is thrown.
    ///
    /// - Parameter others: files that are there already, by the name of their piece.
    func run(
        _ plan: SitePlan, beside others: [String: [SiteFile]], progress: SiteBuilder.Progress?
    ) throws(PublishingError) {
        let ready = Array(others)
        DispatchQueue.concurrentPerform(iterations: ready.count + plan.pieces.count) { index in
            guard state.withLock({ $0.failure == nil }) else { return }
            do throws(PublishingError) {
                if index < ready.count {
                    try write(ready[index].value, as: ready[index].key)
                } else {
                    let piece = plan.pieces[index - ready.count]
                    let work = plan.work(on: piece)
                    if try !adopt(piece.name, inputs: work.inputs) {
                        try write(try work.make(), as: piece.name, inputs: work.inputs)
                    }
                }
            } catch {
                state.withLock { $0.failure = $0.failure ?? error }
            }
            let done = state.withLock {
                $0.done += 1
                return $0.done
            }
            progress?(done, ready.count + plan.pieces.count)
        }
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    /// Takes a piece over from the public build if it was made from the same; false if it has to be made.
    private func adopt(_ name: String, inputs: Digest?) throws(PublishingError) -> Bool {
        guard let inputs = inputs?.hex, let before, before.record.inputs(of: name) == inputs else {
            return false
        }
        let piece = before.record.piece(name)
        if spare?.inputs(of: name) != inputs, !(try linkFiles(of: piece, from: before.folder)) {
            return false
        }
        let lines = Array(before.record.lines(of: name))
        try note(piece, as: name, inputs: inputs, lines: lines, isAdopted: true)
        return true
    }

    /// Links the files of a piece from a build; false, and none of them here, if one is no longer there.
    private func linkFiles(of piece: BuildRecord.Piece, from build: String) throws(PublishingError) -> Bool {
        for (path, _) in piece.files {
            try makeRoom(for: path)
            guard link("\(build)/\(path)", "\(folder)/\(path)") == 0 else {
                for (path, _) in piece.files { unlink("\(folder)/\(path)") }
                return false
            }
        }
        return true
    }

    /// Links all files of a build from `build`; false if one is no longer there.
    func linkFiles(of record: BuildRecord, from build: String) -> Bool {
        let names = record.names
        DispatchQueue.concurrentPerform(iterations: names.count) { index in
            guard state.withLock({ $0.failure == nil }) else { return }
            let piece = record.piece(names[index])
            if (try? linkFiles(of: piece, from: build)) != true {
                let lost = PublishingError(.file, subject: names[index], cause: "is no longer there")
                state.withLock { $0.failure = lost }
            }
        }
        return state.withLock { $0.failure == nil }
    }

    /// Writes files that make up one piece.
    func write(_ files: [SiteFile], as name: String, inputs: Digest? = nil) throws(PublishingError) {
        var piece = BuildRecord.Piece()
        var links = LinkCheck()
        let there = Dictionary(
            spare?.piece(name).files.map { ($0.path, $0.record.sha256) } ?? [],
            uniquingKeysWith: { one, _ in one })
        for file in files {
            guard Self.isInside(file.path) else {
                throw PublishingError(.model, subject: file.path, cause: "is no path inside the site")
            }
            let record: SiteFileRecord
            switch file.contents {
            case .bytes(let bytes):
                record = SiteFileRecord(sha256: Digest.sha256(of: bytes).hex, bytes: bytes.count)
                if there[file.path] != record.sha256 {
                    try makeRoom(for: file.path)
                    try SiteFiles.write(bytes, to: "\(folder)/\(file.path)")
                }
                if file.path.hasSuffix(".html") {
                    piece.anchors += links.note(PageLinks(html: bytes), on: file.path, baseURL: baseURL)
                }
            case .file(let source, let known):
                record = try take(source, to: file.path, sha256: known, there: there[file.path])
            }
            piece.files.append((file.path, record))
        }
        let found = links
        state.withLock { $0.links.merge(found) }
        try note(
            piece, as: name, inputs: inputs?.hex ?? "-", lines: BuildRecord.lines(of: piece), isAdopted: false
        )
    }

    private func note(
        _ piece: BuildRecord.Piece, as name: String, inputs: String, lines: [UInt8], isAdopted: Bool
    ) throws(PublishingError) {
        let twice = state.withLock { state -> String? in
            state.pieces[name] = (inputs, lines)
            if isAdopted {
                state.adopted.insert(name)
                state.links.adopt(piece.anchors)
            }
            var twice: String?
            for (path, record) in piece.files
            where state.records.updateValue(record, forKey: path) != nil { twice = path }
            return twice
        }
        if let twice { throw PublishingError(.model, subject: twice, cause: "is written twice") }
    }

    private func take(
        _ source: String, to path: String, sha256 known: String?, there: String?
    ) throws(PublishingError) -> SiteFileRecord {
        let target = "\(folder)/\(path)"
        var status = stat()
        if let known, known == there, stat(target, &status) == 0 {
            return SiteFileRecord(sha256: known, bytes: Int(status.st_size))
        }
        if known != nil { try makeRoom(for: path) }
        if let known, link(source, target) == 0 {
            guard stat(target, &status) == 0 else { throw SiteFiles.failure("cannot be read", target) }
            return SiteFileRecord(sha256: known, bytes: Int(status.st_size))
        }
        let bytes = try SiteFiles.bytes(of: source)
        let digest = Digest.sha256(of: bytes).hex
        if let known, known != digest {
            throw PublishingError(.file, subject: source, cause: "has the digest \(digest), not \(known)")
        }
        if digest != there {
            try makeRoom(for: path)
            try SiteFiles.write(bytes, to: target)
        }
        return SiteFileRecord(sha256: digest, bytes: bytes.count)
    }

    /// The folders of a file that is to be written, and nothing in its place: a spare file may be the public one too,
    /// so it is never written into.
    private func makeRoom(for path: String) throws(PublishingError) {
        try makeFolders(of: path)
        if spare != nil { unlink("\(folder)/\(path)") }
    }

    private func makeFolders(of path: String) throws(PublishingError) {
        guard let slash = path.lastIndex(of: "/") else { return }
        let parent = String(path[..<slash])
        if state.withLock({ $0.folders.contains(parent) }) { return }
        if mkdir("\(folder)/\(parent)", 0o755) != 0 {
            switch errno {
            case EEXIST: break
            case ENOENT:
                try makeFolders(of: parent)
                guard mkdir("\(folder)/\(parent)", 0o755) == 0 || errno == EEXIST else {
                    throw SiteFiles.failure("cannot be made", "\(folder)/\(parent)")
                }
            default: throw SiteFiles.failure("cannot be made", "\(folder)/\(parent)")
            }
        }
        state.withLock { _ = $0.folders.insert(parent) }
    }

    private static func isInside(_ path: String) -> Bool {
        !path.isEmpty && path.utf8.allSatisfy { $0 >= 32 && $0 != 127 }
            && path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
                !$0.isEmpty && $0 != "." && $0 != ".."
            }
    }

    // MARK: The whole

    /// Throws when a link leads nowhere; names up to twenty of them.
    ///
    /// - Parameter signed: the name of the piece that comes after the check.
    func checkLinks(later: Set<String>, signed: String) throws(PublishingError) {
        var (records, links) = state.withLock { ($0.records, $0.links) }
        if isAnythingGone(records, signed: signed) {
            // A page that was taken over may link to it: all of them are read again.
            for (path, _) in records where path.hasSuffix(".html") && !links.pages.contains(path) {
                let html = try SiteFiles.bytes(of: "\(folder)/\(path)")
                _ = links.note(PageLinks(html: html), on: path, baseURL: baseURL)
            }
        }
        let folder = folder
        try links.check(records: records, later: later) { path throws(PublishingError) in
            PageLinks(html: try SiteFiles.bytes(of: "\(folder)/\(path)")).ids
        }
    }

    /// Whether the public build has a file that this one lacks.
    private func isAnythingGone(_ records: [String: SiteFileRecord], signed: String) -> Bool {
        guard let before else { return false }
        let adopted = state.withLock { $0.adopted }
        return before.record.names.contains { name in
            !adopted.contains(name) && name != signed
                && before.record.piece(name).files.contains { records[$0.path] == nil }
        }
    }

    /// Removes what the spare build had and this one has not.
    func removeLeftovers() {
        guard let spare else { return }
        let (records, pieces) = state.withLock { ($0.records, $0.pieces) }
        for name in spare.names
        where pieces[name]?.inputs != spare.inputs(of: name) || pieces[name]?.inputs == "-" {
            for (path, _) in spare.piece(name).files where records[path] == nil {
                unlink("\(folder)/\(path)")
                var parent = path[...]
                while let slash = parent.lastIndex(of: "/") {
                    parent = parent[..<slash]
                    if rmdir("\(folder)/\(parent)") != 0 { break }
                }
            }
        }
    }

    /// What names the build: see `SiteBuild.digest`.
    func digest() -> String {
        var hasher = Hasher256()
        for (_, piece) in state.withLock({ $0.pieces }).sorted(by: { $0.key < $1.key }) {
            hasher.update(piece.lines)
        }
        return hasher.finalize().hex
    }

    /// Keeps the record of a build that is sealed.
    func keepRecord(of digest: String) throws(PublishingError) {
        let pieces = state.withLock { $0.pieces }
        try SiteFiles.makeFolder("\(site)/records")
        let next = "\(site)/records/.next"
        unlink(next)
        try SiteFiles.write(BuildRecord.file(pieces), to: next)
        try SiteFiles.rename(next, to: "\(site)/records/\(digest)")
    }

    func abandon() {
        SiteFiles.remove(folder)
    }
}
