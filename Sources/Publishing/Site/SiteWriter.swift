import Dispatch
import Glibc
import Marketplace
import Provenance
import Synchronization

/// Writes files into a fresh folder, from several threads, and keeps the record: digests, and which page links
/// where.
final class SiteWriter: Sendable {
    let folder: String
    private let baseURL: String
    private let state: Mutex<State>

    private struct State {
        var records: [String: SiteFileRecord] = [:]
        var folders: Set<String> = []
        /// What is linked to, each with one page that does.
        var links: [Link: String] = [:]
        var problems: [String] = []
        var failure: PublishingError?
        var done = 0
    }

    private struct Link: Hashable {
        var path: String
        var fragment: String?
    }

    var records: [String: SiteFileRecord] { state.withLock { $0.records } }

    /// A new staging folder below `<site>/builds`.
    init(site: String, baseURL: String) throws(PublishingError) {
        try SiteFiles.makeFolder("\(site)/builds")
        var path = Array("\(site)/builds/.staging-XXXXXX".utf8CString)
        guard path.withUnsafeMutableBufferPointer({ mkdtemp($0.baseAddress!) }) != nil else {
            throw SiteFiles.failure("cannot be made", "\(site)/builds")
        }
        folder = String(decoding: path.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
        chmod(folder, 0o755)
        self.baseURL = baseURL
        state = Mutex(State())
    }

    init(folder: String, records: [String: SiteFileRecord]) {
        self.folder = folder
        baseURL = ""
        state = Mutex(State(records: records))
    }

    /// Runs all jobs over the cores; the first failure in order of path is thrown.
    func run(_ plan: SitePlan, progress: SiteBuilder.Progress?) throws(PublishingError) {
        DispatchQueue.concurrentPerform(iterations: plan.jobs.count) { index in
            guard state.withLock({ $0.failure == nil }) else { return }
            do throws(PublishingError) {
                try write(try plan.files(of: plan.jobs[index]))
            } catch {
                state.withLock { $0.failure = $0.failure ?? error }
            }
            let done = state.withLock {
                $0.done += 1
                return $0.done
            }
            progress?(done, plan.jobs.count)
        }
        if let failure = state.withLock({ $0.failure }) { throw failure }
    }

    func write(_ files: [SiteFile]) throws(PublishingError) {
        for file in files { try write(file) }
    }

    private func write(_ file: SiteFile) throws(PublishingError) {
        guard Self.isInside(file.path) else {
            throw PublishingError(.model, subject: file.path, cause: "is no path inside the site")
        }
        try makeFolders(of: file.path)
        let record: SiteFileRecord
        switch file.contents {
        case .bytes(let bytes):
            try SiteFiles.write(bytes, to: "\(folder)/\(file.path)")
            record = SiteFileRecord(sha256: Digest.sha256(of: bytes).hex, bytes: bytes.count)
            if file.path.hasSuffix(".html") { note(PageLinks(html: bytes), on: file.path) }
        case .file(let source, let known):
            record = try take(source, to: file.path, sha256: known)
        }
        let isNew = state.withLock { $0.records.updateValue(record, forKey: file.path) == nil }
        guard isNew else { throw PublishingError(.model, subject: file.path, cause: "is written twice") }
    }

    private func take(_ source: String, to path: String, sha256 known: String?) throws(PublishingError)
        -> SiteFileRecord
    {
        let target = "\(folder)/\(path)"
        if let known, link(source, target) == 0 {
            var status = stat()
            guard stat(target, &status) == 0 else { throw SiteFiles.failure("cannot be read", target) }
            return SiteFileRecord(sha256: known, bytes: Int(status.st_size))
        }
        let bytes = try SiteFiles.bytes(of: source)
        try SiteFiles.write(bytes, to: target)
        let digest = Digest.sha256(of: bytes).hex
        if let known, known != digest {
            throw PublishingError(.file, subject: source, cause: "has the digest \(digest), not \(known)")
        }
        return SiteFileRecord(sha256: digest, bytes: bytes.count)
    }

    private func makeFolders(of path: String) throws(PublishingError) {
        guard let slash = path.lastIndex(of: "/") else { return }
        let parent = String(path[..<slash])
        if state.withLock({ $0.folders.contains(parent) }) { return }
        try SiteFiles.makeFolder("\(folder)/\(parent)")
        state.withLock { _ = $0.folders.insert(parent) }
    }

    private static func isInside(_ path: String) -> Bool {
        !path.isEmpty && !path.utf8.contains(0)
            && path.split(separator: "/", omittingEmptySubsequences: false).allSatisfy {
                !$0.isEmpty && $0 != "." && $0 != ".."
            }
    }

    // MARK: Links

    private func note(_ links: PageLinks, on page: String) {
        let resolver = LinkResolver(baseURL: baseURL)
        var found: [Link] = []
        var problems: [String] = []
        for target in Set(links.targets) {
            guard let (path, fragment) = resolver.resolve(target, from: page) else { continue }
            if path == page {
                if let fragment, !fragment.isEmpty, !links.ids.contains(LinkResolver.percentDecoded(fragment))
                {
                    problems.append("\(page): \(target) has no anchor")
                }
            } else {
                found.append(Link(path: path, fragment: fragment))
            }
        }
        state.withLock { state in
            for link in found where state.links[link].map({ page < $0 }) ?? true { state.links[link] = page }
            state.problems += problems
        }
    }

    /// Throws when a link leads nowhere; names up to twenty of them.
    func checkLinks(later: Set<String>) throws(PublishingError) {
        let (records, links, local) = state.withLock { ($0.records, $0.links, $0.problems) }
        var problems = local
        var ids: [String: Set<String>] = [:]
        // Where one server answers for both, these are the runtime's.
        let live = ["account/", "publisher/", "review/", "v1/"]
        for (link, page) in links where !live.contains(where: { link.path.hasPrefix($0) }) {
            guard records[link.path] != nil || later.contains(link.path) else {
                problems.append("\(page): links to \(link.path), which is not in the site")
                continue
            }
            guard let fragment = link.fragment, !fragment.isEmpty, link.path.hasSuffix(".html") else {
                continue
            }
            if ids[link.path] == nil {
                ids[link.path] = PageLinks(html: try SiteFiles.bytes(of: "\(folder)/\(link.path)")).ids
            }
            if ids[link.path]?.contains(LinkResolver.percentDecoded(fragment)) != true {
                problems.append("\(page): links to \(link.path)#\(fragment), which has no such anchor")
            }
        }
        guard problems.isEmpty else {
            let shown = problems.sorted().prefix(20).joined(separator: "; ")
            throw PublishingError(
                .brokenLink, subject: Words.count(problems.count, "broken link"), cause: shown)
        }
    }

    func abandon() {
        SiteFiles.remove(folder)
    }
}
