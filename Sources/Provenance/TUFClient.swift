// The client's half of TUF (specification §5): from a root that was pinned once to the files that are current, with
// rollback, freeze and mix-and-match refused. A client keeps its state between refreshes; that is what rollback is
// measured against.
public import Marketplace

/// Follows one catalogue.
public struct TUFClient: Sendable {
    /// What a client has trusted so far, by metadata file name; write it down after every refresh.
    public struct State: Hashable, Sendable {
        public var files: [String: [UInt8]]

        public init(pinnedRoot: [UInt8]) {
            files = ["root.json": pinnedRoot]
        }

        public init(files: [String: [UInt8]]) {
            self.files = files
        }
    }

    public private(set) var state: State
    public private(set) var root: TUFRoot
    private var timestamp: TUFTimestamp?
    private var snapshot: TUFSnapshot?
    private var targets: TUFTargets?

    /// Starts from a pinned root, or goes on from an earlier state.
    public init(state: State) throws(ProvenanceError) {
        guard let bytes = state.files["root.json"] else {
            throw ProvenanceError(.missingKey, "root.json", "is not pinned")
        }
        self.state = state
        root = try TUFRoot(selfSigned: bytes)
        // What is written down was verified when it came; an expired one still bars rollback.
        if let bytes = state.files["timestamp.json"] {
            timestamp = try? TUFTimestamp(
                TUFEnvelope(parsing: bytes, name: "timestamp.json", type: "timestamp"))
        }
        if let bytes = state.files["snapshot.json"] {
            snapshot = try? TUFSnapshot(TUFEnvelope(parsing: bytes, name: "snapshot.json", type: "snapshot"))
        }
        if let bytes = state.files["targets.json"] {
            targets = try? TUFTargets(
                TUFEnvelope(parsing: bytes, name: "targets.json", type: "targets"), mayDelegate: true)
        }
    }

    /// The version of the targets that are trusted now.
    public var targetsVersion: Int64? { targets?.version }
    public var timestampExpires: Instant? { timestamp?.expires }

    /// Brings the trusted metadata up to date. `fetch` gives a file of the catalogue by its path (`metadata/…`), or
    /// `nil` where there is none. Returns whether the set of files changed. On an error the state is as it was, save
    /// for newer roots that were followed.
    @discardableResult
    public mutating func refresh(
        now: Instant, fetch: (String) throws(ProvenanceError) -> [UInt8]?
    ) throws(ProvenanceError) -> Bool {
        let known = snapshot?.meta
        try followRoots(fetch)
        try TUFEnvelope.requireFresh(root.expires, "root.json", asOf: now)

        let stampBytes = try TUFClient.require("timestamp.json", fetch)
        let stamp = try TUFTimestamp(try open(stampBytes, "timestamp.json", "timestamp", role: "timestamp"))
        if let old = timestamp {
            guard stamp.version >= old.version else {
                throw TUFClient.rollback("timestamp.json", stamp.version, old.version)
            }
            guard stamp.snapshot.version >= old.snapshot.version else {
                throw TUFClient.rollback("snapshot.json", stamp.snapshot.version, old.snapshot.version)
            }
        }
        try TUFEnvelope.requireFresh(stamp.expires, "timestamp.json", asOf: now)

        let snapBytes = try TUFClient.require("snapshot.json", fetch)
        try TUFClient.compare(snapBytes, "snapshot.json", stamp.snapshot.file)
        let snap = try TUFSnapshot(try open(snapBytes, "snapshot.json", "snapshot", role: "snapshot"))
        try TUFClient.compare(snap.version, "snapshot.json", stamp.snapshot.version)
        for (name, old) in snapshot?.meta ?? [:] {
            guard let new = snap.meta[name], new.version >= old.version else {
                throw TUFClient.rollback(name, snap.meta[name]?.version ?? 0, old.version)
            }
        }
        try TUFEnvelope.requireFresh(snap.expires, "snapshot.json", asOf: now)

        let described = snap.meta["targets.json"]!
        let topBytes = try TUFClient.require("targets.json", fetch)
        try TUFClient.compare(topBytes, "targets.json", described.file)
        let top = try TUFTargets(
            try open(topBytes, "targets.json", "targets", role: "targets"), mayDelegate: true)
        try TUFClient.compare(top.version, "targets.json", described.version)
        try TUFEnvelope.requireFresh(top.expires, "targets.json", asOf: now)

        let changed = state.files["targets.json"] != topBytes || known != snap.meta
        (timestamp, snapshot, targets) = (stamp, snap, top)
        state.files["timestamp.json"] = stampBytes
        state.files["snapshot.json"] = snapBytes
        state.files["targets.json"] = topBytes
        return changed
    }

    /// What the trusted targets say of a file; `nil` where the catalogue does not hold it.
    public func file(
        _ path: String, now: Instant, fetch: (String) throws(ProvenanceError) -> [UInt8]?
    ) throws(ProvenanceError) -> TUFFile? {
        guard let targets else {
            throw ProvenanceError(.missingKey, "targets.json", "is not trusted yet; refresh first")
        }
        guard let bins = targets.bins else { return targets.files[path] }
        return try bin(bins.bin(of: path), bins, now: now, fetch).files[path]
    }

    /// Every file of the catalogue.
    public func allFiles(
        now: Instant, fetch: (String) throws(ProvenanceError) -> [UInt8]?
    ) throws(ProvenanceError) -> [String: TUFFile] {
        guard let targets else {
            throw ProvenanceError(.missingKey, "targets.json", "is not trusted yet; refresh first")
        }
        guard let bins = targets.bins else { return targets.files }
        var all: [String: TUFFile] = [:]
        for number in 0..<bins.count {
            for (path, file) in try bin(number, bins, now: now, fetch).files
            where bins.bin(of: path) == number {
                all[path] = file
            }
        }
        return all
    }

    private func bin(
        _ number: Int, _ bins: TUFBins, now: Instant, _ fetch: (String) throws(ProvenanceError) -> [UInt8]?
    ) throws(ProvenanceError) -> TUFTargets {
        let name = bins.name(number) + ".json"
        guard let described = snapshot?.meta[name] else {
            throw ProvenanceError(.malformed, "snapshot.json", "does not describe \(name)")
        }
        let bytes = try TUFClient.require(name, fetch)
        try TUFClient.compare(bytes, name, described.file)
        let envelope = try TUFEnvelope(parsing: bytes, name: name, type: "targets")
        try envelope.verify(bins.role, keys: root.keys)
        let part = try TUFTargets(envelope, mayDelegate: false)
        try TUFClient.compare(part.version, name, described.version)
        try TUFEnvelope.requireFresh(part.expires, name, asOf: now)
        return part
    }

    /// Takes each next root that the present one vouches for. New keys of `timestamp` or `snapshot` end what was
    /// trusted under the old ones: that is how a catalogue recovers from a thief who signed a far too high version.
    private mutating func followRoots(
        _ fetch: (String) throws(ProvenanceError) -> [UInt8]?
    ) throws(ProvenanceError) {
        for _ in 0..<1024 {
            let name = "\(root.version + 1).root.json"
            guard let bytes = try fetch(CataloguePaths.metadata(name)) else { return }
            let next = try TUFClient.follow(from: root, to: bytes, name: name)
            if next.role("timestamp") != root.role("timestamp")
                || next.role("snapshot") != root.role("snapshot")
            {
                (timestamp, snapshot) = (nil, nil)
                state.files["timestamp.json"] = nil
                state.files["snapshot.json"] = nil
            }
            root = next
            state.files["root.json"] = bytes
        }
        throw ProvenanceError(.malformed, "root.json", "is followed by more than 1,024 newer ones")
    }

    /// The next root, signed by the threshold of the present root's keys and of its own.
    static func follow(from present: TUFRoot, to bytes: [UInt8], name: String) throws(ProvenanceError)
        -> TUFRoot
    {
        let envelope = try TUFEnvelope(parsing: bytes, name: name, type: "root")
        try envelope.verify(present.role("root"), keys: present.keys)
        let next = try TUFRoot(envelope)
        try envelope.verify(next.role("root"), keys: next.keys)
        guard next.version == present.version + 1 else {
            throw ProvenanceError(.rollback, name, "has the version \(next.version) after \(present.version)")
        }
        return next
    }

    private func open(
        _ bytes: [UInt8], _ name: String, _ type: String, role: String
    ) throws(ProvenanceError) -> TUFEnvelope {
        let envelope = try TUFEnvelope(parsing: bytes, name: name, type: type)
        try envelope.verify(root.role(role), keys: root.keys)
        return envelope
    }

    private static func require(
        _ name: String, _ fetch: (String) throws(ProvenanceError) -> [UInt8]?
    ) throws(ProvenanceError) -> [UInt8] {
        guard let bytes = try fetch(CataloguePaths.metadata(name)) else {
            throw ProvenanceError(.io, name, "is missing from the catalogue")
        }
        return bytes
    }

    static func compare(_ bytes: [UInt8], _ name: String, _ file: TUFFile) throws(ProvenanceError) {
        guard bytes.count == file.length, .sha256(of: bytes) == file.digest else {
            throw ProvenanceError(.mismatch, name, "is not the file that the metadata above it describes")
        }
    }

    static func compare(_ version: Int64, _ name: String, _ expected: Int64) throws(ProvenanceError) {
        guard version == expected else {
            throw ProvenanceError(.mismatch, name, "has the version \(version), described as \(expected)")
        }
    }

    private static func rollback(_ name: String, _ version: Int64, _ trusted: Int64) -> ProvenanceError {
        ProvenanceError(.rollback, name, "has the version \(version); \(trusted) was trusted before")
    }
}
