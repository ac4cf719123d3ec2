// The metadata of a site on disk, each file judged by itself and then against the one above it, so that one broken
// file does not hide the next.
import Marketplace

/// Where trust in a site begins.
public enum CatalogueTrust: Hashable, Sendable {
    /// A root metadata file from elsewhere, such as the copy pinned at the first visit.
    case rootFile(String)
    /// A public key that must have signed a root of the site.
    case key(VerifyingKey)
    /// The site's own first root: shows only that the site agrees with itself.
    case firstUse
}

struct MetadataCheck {
    let directory: String
    let asOf: Instant
    var report = VerificationReport()
    /// The metadata files that the chain accounts for.
    private(set) var accounted: Set<String> = []
    /// Every published file; `nil` where the targets cannot be read.
    private(set) var files: [String: TUFFile]?

    init(directory: String, asOf: Instant) {
        self.directory = directory
        self.asOf = asOf
    }

    mutating func run(_ trust: CatalogueTrust) {
        guard let root = checkRoots(trust) else { return }
        report.rootVersion = root.version
        let asOf = asOf
        note("root.json") { () throws(ProvenanceError) in
            try TUFEnvelope.requireFresh(root.expires, "root.json", asOf: asOf)
        }
        let timestamp: TUFTimestamp? = check("timestamp.json", "timestamp", root, "timestamp") {
            envelope throws(ProvenanceError) in
            try TUFTimestamp(envelope)
        } expires: {
            $0.expires
        }
        report.expires = timestamp?.expires
        let snapshot: TUFSnapshot? = check(
            "snapshot.json", "snapshot", root, "snapshot", described: timestamp?.snapshot
        ) {
            envelope throws(ProvenanceError) in
            try TUFSnapshot(envelope)
        } expires: {
            $0.expires
        }
        let targets: TUFTargets? = check(
            "targets.json", "targets", root, "targets", described: snapshot?.meta["targets.json"]
        ) {
            envelope throws(ProvenanceError) in
            try TUFTargets(envelope, mayDelegate: true)
        } expires: {
            $0.expires
        }
        guard let targets else { return }
        guard let bins = targets.bins else {
            files = targets.files
            return
        }
        checkBins(bins, root, snapshot)
    }

    private mutating func checkBins(_ bins: TUFBins, _ root: TUFRoot, _ snapshot: TUFSnapshot?) {
        var all: [String: TUFFile] = [:]
        var isWhole = true
        for number in 0..<bins.count {
            let name = bins.name(number) + ".json"
            if snapshot != nil, snapshot?.meta[name] == nil {
                report.add(.metadata, CataloguePaths.metadata("snapshot.json"), "does not describe \(name)")
            }
            let part: TUFTargets? = check(name, "targets", root, "targets", described: snapshot?.meta[name]) {
                envelope throws(ProvenanceError) in
                try TUFTargets(envelope, mayDelegate: false)
            } expires: {
                $0.expires
            }
            guard let part else {
                isWhole = false
                continue
            }
            for (path, file) in part.files {
                if bins.bin(of: path) == number {
                    all[path] = file
                } else {
                    report.add(
                        .metadata, CataloguePaths.metadata(name),
                        "lists \(path), which belongs into another bin")
                }
            }
        }
        files = all
        hasEveryBin = isWhole
    }

    /// Whether no bin was unreadable: else files of that bin would be called unsigned.
    private(set) var hasEveryBin = true

    /// The roots one by one, each self-signed and signed by the one before; the newest that holds comes back.
    private mutating func checkRoots(_ trust: CatalogueTrust) -> TUFRoot? {
        var roots: [(name: String, bytes: [UInt8], root: TUFRoot?)] = []
        while let bytes = try? Files.bytes(of: path("\(roots.count + 1).root.json"), limitBytes: 1 << 20) {
            let name = "\(roots.count + 1).root.json"
            accounted.insert(CataloguePaths.metadata(name))
            let before = roots.last?.root
            var read: TUFRoot?
            let number = Int64(roots.count + 1)
            note(name) { () throws(ProvenanceError) in
                let envelope = try TUFEnvelope(parsing: bytes, name: name, type: "root")
                let root = try TUFRoot(envelope)
                try envelope.verify(root.role("root"), keys: root.keys)
                guard root.version == number else {
                    throw ProvenanceError(.rollback, name, "has the version \(root.version)")
                }
                if let before {
                    try envelope.verify(before.role("root"), keys: before.keys)
                }
                try Self.refuseStrangeSignatures(envelope, root, before)
                read = root
            }
            roots.append((name, bytes, read))
        }
        accounted.insert(CataloguePaths.metadata("root.json"))
        let copy = try? Files.bytes(of: path("root.json"), limitBytes: 1 << 20)
        guard let newest = roots.last else {
            report.add(.metadata, CataloguePaths.metadata("1.root.json"), "is missing")
            return nil
        }
        if copy != newest.bytes {
            report.add(.metadata, CataloguePaths.metadata("root.json"), "is not the same as \(newest.name)")
        }
        anchor(trust, roots)
        if let root = newest.root { return root }
        // The newest root does not hold, which is on record; its copy may, and lets the rest be checked.
        return copy.flatMap { try? TUFRoot(selfSigned: $0) } ?? roots.last { $0.root != nil }?.root
    }

    private mutating func anchor(
        _ trust: CatalogueTrust, _ roots: [(name: String, bytes: [UInt8], root: TUFRoot?)]
    ) {
        switch trust {
        case .firstUse: report.isPinned = false
        case .key(let key):
            report.isPinned = true
            let anchored = roots.contains { item in
                guard let root = item.root,
                    root.role("root").keyIDs.contains(where: { root.keys[$0] == key }),
                    let envelope = try? TUFEnvelope(parsing: item.bytes, name: item.name, type: "root")
                else { return false }
                let alone = TUFRoleKeys(keyIDs: [key.keyID], threshold: 1)
                return (try? envelope.verify(alone, keys: [key.keyID: key])) != nil
            }
            if !anchored {
                report.add(
                    .metadata, CataloguePaths.metadata("1.root.json"), "is not signed by the key \(key.keyID)"
                )
            }
        case .rootFile(let file):
            report.isPinned = true
            do {
                let pinned = try TUFRoot(
                    selfSigned: try Files.bytes(of: file, limitBytes: 1 << 20), name: file)
                let index = Int(pinned.version) - 1
                let bytes = try Files.bytes(of: file, limitBytes: 1 << 20)
                if index >= roots.count {
                    report.add(
                        .metadata, CataloguePaths.metadata("root.json"),
                        "is older than the pinned root, version \(pinned.version)")
                } else if roots[index].bytes != bytes {
                    report.add(
                        .metadata, CataloguePaths.metadata(roots[index].name), "is not the pinned root")
                }
            } catch {
                report.add(.metadata, file, error.cause)
            }
        }
    }

    /// Every signature of a root must be by a key of it or of the root before, and verify.
    private static func refuseStrangeSignatures(
        _ envelope: TUFEnvelope, _ root: TUFRoot, _ before: TUFRoot?
    ) throws(ProvenanceError) {
        let ids = Set(root.role("root").keyIDs).union(before?.role("root").keyIDs ?? [])
        let keys = root.keys.merging(before?.keys ?? [:]) { first, _ in first }
        try envelope.verify(TUFRoleKeys(keyIDs: ids.sorted(), threshold: 1), keys: keys, everySignature: true)
    }

    /// One metadata file: its spelling, its signatures, its place in the chain, its time.
    private mutating func check<Role>(
        _ name: String, _ type: String, _ root: TUFRoot, _ role: String, described: TUFMetaFile? = nil,
        _ make: (TUFEnvelope) throws(ProvenanceError) -> Role, expires: (Role) -> Instant
    ) -> Role? {
        accounted.insert(CataloguePaths.metadata(name))
        let file = path(name)
        guard Files.exists(file) else {
            report.add(.metadata, CataloguePaths.metadata(name), "is missing")
            return nil
        }
        var result: Role?
        let asOf = asOf
        note(name) { () throws(ProvenanceError) in
            let bytes = try Files.bytes(of: file)
            let envelope = try TUFEnvelope(parsing: bytes, name: name, type: type)
            try envelope.verify(root.role(role), keys: root.keys, everySignature: true)
            let read = try make(envelope)
            result = read
            if let described {
                try TUFClient.compare(bytes, name, described.file)
                try TUFClient.compare(try envelope.version(), name, described.version)
            }
            try TUFEnvelope.requireFresh(expires(read), name, asOf: asOf)
        }
        return result
    }

    private mutating func note(_ name: String, _ body: () throws(ProvenanceError) -> Void) {
        do { try body() } catch {
            report.add(.metadata, CataloguePaths.metadata(name), error.cause)
        }
    }

    private func path(_ name: String) -> String { "\(directory)/\(CataloguePaths.metadata(name))" }
}
