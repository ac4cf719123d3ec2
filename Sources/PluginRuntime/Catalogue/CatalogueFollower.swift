import FoundationEssentials
import Marketplace
import Metering
import Provenance
import Registry

/// Follows the signed catalogue: takes what its keys vouch for and nothing else. Metadata that goes back in version, that
/// stands still past its time, or whose files do not belong together leaves the runtime with what it trusted before.
actor CatalogueFollower: BundleSource {
    /// A version that the catalogue tells runtimes to stop.
    struct Revoked: Sendable, Hashable {
        let plugin: PluginID
        let version: Version
        let stage: RevocationStage
        let reason: String
        let evidence: String
    }

    private let source: CatalogueSource
    private let statePath: String
    private let rootPath: String
    private let clock: RuntimeClock
    private var client: TUFClient?
    /// Metadata files that the present snapshot describes, kept until it changes.
    private var fetched: [String: [UInt8]?] = [:]
    private var failure: RuntimeError?
    private var triedAt: ContinuousClock.Instant?
    private var refreshedAt: ContinuousClock.Instant?
    private var running: Task<Bool, Never>?
    /// What the catalogue has revoked, as of the last refresh that succeeded.
    private(set) var revoked: [Revoked] = []

    /// A look that comes because something was missing is taken at most this often.
    private static let lookAgainSeconds = 1.0
    /// How often a catalogue that is swapped under a refresh is tried again.
    private static let attemptsMax = 3

    /// - Parameters:
    ///   - statePath: where the trusted metadata is written down; what is there bars a rollback after a restart.
    ///   - rootPath: the root metadata that is pinned: the marketplace's own, or a copy that came another way.
    init(source: CatalogueSource, statePath: String, rootPath: String, clock: RuntimeClock) {
        self.source = source
        self.statePath = statePath
        self.rootPath = rootPath
        self.clock = clock
    }

    /// `ok`, or why the catalogue is not usable.
    func check() async -> String {
        if failure != nil || isOver,
            triedAt.map({ $0.duration(to: .now).seconds > Self.lookAgainSeconds }) ?? true
        {
            await refresh()
        }
        if let failure { return failure.description }
        if let expires = client?.timestampExpires, isOver { return "its timestamp has ended on \(expires)" }
        return "ok"
    }

    /// Seconds since the last refresh that succeeded.
    var ageSeconds: Double? { refreshedAt.map { $0.duration(to: .now).seconds } }

    /// Brings the trusted metadata up to date. Returns whether it succeeded; those who ask together share one refresh.
    @discardableResult
    func refresh() async -> Bool {
        if let running { return await running.value }
        triedAt = .now
        let task = Task { await self.follow() }
        running = task
        let result = await task.value
        running = nil
        return result
    }

    /// A bundle's bytes, if the catalogue holds it now.
    func bundle(_ digest: Digest) async throws(RuntimeError) -> [UInt8] {
        let path = "bundles/\(digest.hex).vfp"
        if client == nil || isOver { await refresh() }
        var described = try? await target(path)
        if described == nil,
            triedAt.map({ $0.duration(to: .now).seconds > Self.lookAgainSeconds }) ?? true
        {
            // It may have been published a moment ago.
            await refresh()
        }
        if described == nil { described = try await target(path) }
        if isOver {
            throw RuntimeError(
                .unavailable, "catalogue", failure?.cause ?? "its metadata has ended", retryAfterSeconds: 30)
        }
        guard let described else { throw RuntimeError(.notFound, path, "is not in the signed catalogue") }
        let bytes = try await source.bundle(digest)
        guard described.digest == digest, described.length == bytes.count else {
            throw RuntimeError(.unavailable, path, "is not the file that the catalogue describes")
        }
        return bytes
    }

    private var isOver: Bool {
        guard let expires = client?.timestampExpires else { return true }
        return expires < clock.now()
    }

    // MARK: Following

    private func follow() async -> Bool {
        do throws(RuntimeError) {
            for attempt in 1...Self.attemptsMax {
                do throws(RuntimeError) {
                    try await step()
                    break
                } catch {
                    // A catalogue that is being published shows as a mismatch for a moment.
                    guard attempt < Self.attemptsMax, error.code == .conflict else { throw error }
                    try? await Task.sleep(for: .milliseconds(100 * attempt))
                }
            }
            revoked = try await readRevocations()
            failure = nil
            refreshedAt = .now
            return true
        } catch {
            failure = RuntimeError(.unavailable, error.subject, error.cause)
            return false
        }
    }

    private func step() async throws(RuntimeError) {
        var client = try loaded()
        var files: [String: [UInt8]?] = [:]
        while true {
            let step: TUFStep
            do throws(ProvenanceError) { step = try client.step(now: clock.now(), fetched: files) } catch {
                throw Self.runtimeError(error)
            }
            switch step {
            case .needs(let path):
                files[path] = try await source.file(path, bytesMax: CatalogueSource.metadataBytesMax)
            case .done(let changed):
                if changed || self.client == nil { fetched = [:] }
                let isNew = self.client?.state != client.state
                self.client = client
                if isNew { try keep(client.state) }
                return
            }
        }
    }

    /// The client as it was left: from memory, from the file, or from the pinned root.
    private func loaded() throws(RuntimeError) -> TUFClient {
        if let client { return client }
        let disk = Disk()
        do {
            if let bytes = try disk.readIfPresent(statePath),
                let members = try JSONValue.parse(bytes).objectValue
            {
                let files = members.compactMapValues { value in
                    value.stringValue.flatMap { Data(base64Encoded: $0) }.map { Array($0) }
                }
                return try TUFClient(state: TUFClient.State(files: files))
            }
            guard let root = try disk.readIfPresent(rootPath) else {
                throw RuntimeError(
                    .configuration, rootPath,
                    "is missing: the catalogue's root must be pinned before anything of it is run")
            }
            return try TUFClient(state: TUFClient.State(pinnedRoot: root))
        } catch let error as RuntimeError {
            throw error
        } catch let error as ProvenanceError {
            throw Self.runtimeError(error)
        } catch {
            throw RuntimeError(.unavailable, statePath, "\(error)")
        }
    }

    private func keep(_ state: TUFClient.State) throws(RuntimeError) {
        let document = JSONValue.object(
            state.files.mapValues { .string(Data($0).base64EncodedString()) })
        do { try Disk().replace(statePath, with: document.serializedBytes()) } catch {
            throw RuntimeError(.unavailable, statePath, error.cause)
        }
    }

    /// What the trusted metadata says of a file; nil where the catalogue does not hold it.
    private func target(_ path: String) async throws(RuntimeError) -> TUFFile? {
        guard let client else {
            throw failure ?? RuntimeError(.unavailable, "catalogue", "has not been read yet")
        }
        while true {
            var missing: String?
            let known = fetched
            do throws(ProvenanceError) {
                return try client.file(path, now: clock.now()) { path throws(ProvenanceError) in
                    guard let bytes = known[path] else {
                        missing = path
                        throw ProvenanceError(.io, path, "has not been fetched yet")
                    }
                    return bytes
                }
            } catch {
                guard let missing else {
                    fetched = [:]
                    throw Self.runtimeError(error)
                }
                let bytes = try await source.file(missing, bytesMax: CatalogueSource.metadataBytesMax)
                fetched[missing] = .some(bytes)
            }
        }
    }

    private func readRevocations() async throws(RuntimeError) -> [Revoked] {
        let path = "revocations.json"
        guard let described = try await target(path) else { return [] }
        let bytes = try await source.file(path, bytesMax: CatalogueSource.metadataBytesMax) ?? []
        guard described.length == bytes.count, described.digest == Digest.sha256(of: bytes),
            let rows = (try? JSONValue.parse(bytes))?["revocations"]?.arrayValue
        else { throw RuntimeError(.conflict, path, "is not the file that the catalogue describes") }
        return rows.compactMap { row in
            guard let plugin = row["plugin"]?.stringValue.flatMap({ PluginID($0) }),
                let version = row["version"]?.stringValue.flatMap({ Version($0) })
            else { return nil }
            // A stage that a newer marketplace may name stops the plugin: the safe side.
            return Revoked(
                plugin: plugin, version: version,
                stage: row["stage"]?.stringValue.flatMap(RevocationStage.init) ?? .suspended,
                reason: row["reason"]?.stringValue ?? "", evidence: row["evidence"]?.stringValue ?? "")
        }
    }

    private static func runtimeError(_ error: ProvenanceError) -> RuntimeError {
        // `conflict` marks what a swap of the catalogue can cause and what may be gone at the next look.
        RuntimeError(
            error.code == .mismatch ? .conflict : .unavailable, error.subject,
            "\(error.cause) (\(error.code.rawValue))")
    }
}
