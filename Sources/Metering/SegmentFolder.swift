internal import Glibc
internal import Marketplace
internal import Provenance
internal import Synchronization

/// The folder of all nodes' segments, by day.
public struct SegmentFolder: Sendable {
    public let root: String
    private let disk: Disk

    public init(_ root: String, disk: Disk = Disk()) {
        self.root = root
        self.disk = disk
    }

    /// Every segment, sorted by node and sequence. Other files are passed over; a compressed twin of a plain file
    /// (a crash between the two steps of compressing) is not listed a second time.
    public func segments() throws(MeteringError) -> [SegmentName] {
        var names: [SegmentName] = []
        for folder in try disk.list(root) {
            guard let day = Day(folder) else { continue }
            let files = try disk.list("\(root)/\(folder)")
            let plain = Set(files)
            for file in files {
                guard let name = SegmentName(day: day, fileName: file) else { continue }
                if name.compressed && plain.contains(String(file.dropLast(4))) { continue }
                names.append(name)
            }
        }
        return names.sorted()
    }

    public func path(of name: SegmentName) -> String { "\(root)/\(name.path)" }

    /// What the nightly `seal` stage found and did.
    public struct Sealing: Sendable, Hashable {
        public var recovered: [SegmentWriter.Recovery] = []
        /// Segments that a running node is still writing: they stay as they are.
        public var live: [SegmentName] = []
        public var sealed = 0
    }

    /// Seals what crashed nodes left open. A node whose process is running keeps its segments.
    public func seal() throws(MeteringError) -> Sealing {
        var result = Sealing()
        let names = try segments()
        for node in Set(names.map(\.node)).sorted() {
            let lock: NodeLock
            do {
                lock = try NodeLock(usage: root, node: node, disk: disk)
            } catch {
                guard error.code == .nodeInUse else { throw error }
                for name in names where name.node == node {
                    if try SegmentReader.read(path(of: name), disk: disk).isSealed {
                        result.sealed += 1
                    } else {
                        result.live.append(name)
                    }
                }
                continue
            }
            defer { lock.release() }
            result.recovered += try recover(node: node).recovered
            result.sealed += names.count { $0.node == node }
        }
        return result
    }

    struct Past {
        var sequence: Int64 = 0
        var previous: Digest?
        var seq: Int64 = 0
        var recovered: [SegmentWriter.Recovery] = []
    }

    /// Finds where a node stopped, and completes its last segment if it was left open. The caller holds the lock.
    func recover(node: String) throws(MeteringError) -> Past {
        var past = Past()
        var seqFound = false
        for name in try segments().filter({ $0.node == node }).reversed() {
            let path = path(of: name)
            // A crash between creating the file and writing its header leaves nothing that was metered.
            if !name.compressed, try disk.read(path).firstIndex(of: 0x0A) == nil {
                try disk.remove(path)
                continue
            }
            var contents = try SegmentReader.read(path, disk: disk)
            if contents.seal == nil {
                past.recovered.append(try complete(contents))
                contents = try SegmentReader.read(path, disk: disk)
            }
            if past.sequence == 0 {
                past.sequence = name.sequence
                past.previous = contents.seal?.sha256
            }
            if let last = lastSeq(contents) {
                past.seq = last
                seqFound = true
            }
            if seqFound { break }
        }
        return past
    }

    /// Cuts a torn last line and writes the seal.
    private func complete(_ contents: SegmentContents) throws(MeteringError) -> SegmentWriter.Recovery {
        let kept = Array(contents.bytes[..<contents.events.upperBound])
        let count = Int64(SegmentReader.countLines(contents.bytes, contents.events))
        let seal = SegmentSeal(count: count, sha256: Digest.sha256(of: kept))
        try disk.replace(contents.path, with: kept + seal.line)
        return SegmentWriter.Recovery(path: contents.path, events: count, tornBytes: contents.tornBytes)
    }

    private func lastSeq(_ contents: SegmentContents) -> Int64? {
        guard !contents.events.isEmpty else { return nil }
        let body = contents.bytes[contents.events].dropLast()
        let start = (body.lastIndex(of: 0x0A) ?? contents.events.lowerBound - 1) + 1
        guard let value = try? JSONValue.parse(Array(body[start...])) else { return nil }
        return value["seq"]?.integerValue
    }
}

/// Held by the one process that writes a node's segments: a file lock that the kernel drops when it dies.
final class NodeLock: Sendable {
    private let descriptor: Atomic<CInt>

    init(usage: String, node: String, disk: Disk) throws(MeteringError) {
        let path = "\(usage)/.\(node).lock"
        let opened = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0o644)
        guard opened >= 0 else { throw disk.failure("open", path) }
        guard flock(opened, LOCK_EX | LOCK_NB) == 0 else {
            close(opened)
            throw MeteringError(.nodeInUse, node, "another process writes this node's segments")
        }
        descriptor = Atomic(opened)
    }

    func release() {
        let held = descriptor.exchange(-1, ordering: .acquiringAndReleasing)
        if held >= 0 { close(held) }
    }
}
