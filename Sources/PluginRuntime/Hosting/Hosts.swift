import Marketplace
import Provenance
import Registry
import Sandbox
import Synchronization

/// The hosts of this node, by tenant and plugin. A host is made at the first need and forgotten when its
/// installation is removed.
final class Hosts: Sendable {
    struct Key: Hashable, Sendable {
        let tenant: TenantID
        let plugin: PluginID
    }

    private let registry: Registry
    private let sealed: SealedStore
    private let make: @Sendable (InstalledPlugin) -> PluginHost
    private let hosts = Mutex<[Key: PluginHost]>([:])

    init(registry: Registry, sealed: SealedStore, make: @escaping @Sendable (InstalledPlugin) -> PluginHost) {
        self.registry = registry
        self.sealed = sealed
        self.make = make
    }

    /// The host of an installed plugin.
    ///
    /// - Throws: `not-found` when it is not installed, `suspended` when it may not run.
    func host(_ key: Key) async throws(RuntimeError) -> PluginHost {
        if let known = hosts.withLock({ $0[key] }) { return known }
        let installed = try await load(key)
        return hosts.withLock { hosts in
            if let other = hosts[key] { return other }
            let host = make(installed)
            hosts[key] = host
            return host
        }
    }

    /// The host where there is one already.
    func present(_ key: Key) -> PluginHost? { hosts.withLock { $0[key] } }
    var all: [(key: Key, host: PluginHost)] { hosts.withLock { $0.map { ($0.key, $0.value) } } }

    /// Takes a host out and brings it to its end.
    func remove(_ key: Key) async {
        let host = hosts.withLock { $0.removeValue(forKey: key) }
        await host?.remove()
    }

    /// Reads from the registry what the host of an installation needs.
    func load(_ key: Key) async throws(RuntimeError) -> InstalledPlugin {
        let registry = self.registry
        let sealed = self.sealed
        return try await blocking {
            let row = try registry.installation(of: key.plugin, for: key.tenant)
            if row.state == .suspended {
                throw RuntimeError(.suspended, key.plugin.text, row.stateReason ?? "is suspended")
            }
            return try Hosts.read(row, registry, sealed)
        }
    }

    /// What an installation row becomes, with the tenant's credential and the installation's secrets opened.
    static func read(_ row: Installation, _ registry: Registry, _ sealed: SealedStore) throws
        -> InstalledPlugin
    {
        let tenant = try registry.tenant(row.tenant)
        let version = try registry.version(row.plugin, row.version)
        let credential = try registry.credential(of: row.tenant, openedBy: sealed)
        var values: [String: String] = [:]
        for name in try registry.secretNames(of: row.plugin, for: row.tenant) where !name.hasPrefix(".") {
            let bytes = try registry.secret(name, of: row.plugin, for: row.tenant, openedBy: sealed)
            values[name] = bytes.map { String(decoding: $0, as: UTF8.self) }
        }
        let base = tenant.appURL.hasSuffix("/") ? String(tenant.appURL.dropLast()) : tenant.appURL
        let manifest = try manifest(version)
        return InstalledPlugin(
            installation: row.id, tenant: row.tenant, manifest: manifest, plan: row.plan,
            accepted: row.accepted, config: filled(row.config, manifest.config), bundle: version.bundle,
            application: ApplicationTarget(
                baseURL: base, credential: String(decoding: credential.filter { $0 > 0x20 }, as: UTF8.self)),
            secrets: SecretVault(values), backEnd: row.backEnd,
            trust: try registry.publisher(row.plugin.publisher).verifiedAt == nil ? .unverified : .verified)
    }

    /// What the customer has set, with the schema's defaults where nothing is set.
    static func filled(_ config: JSONValue, _ schema: JSONValue?) -> JSONValue {
        var members = config.objectValue ?? [:]
        for (name, property) in schema?["properties"]?.objectValue ?? [:] where members[name] == nil {
            members[name] = property["default"]
        }
        return .object(members)
    }

    static func manifest(_ version: ListedVersion) throws(RuntimeError) -> Manifest {
        do {
            return try version.parsedManifest()
        } catch {
            throw RuntimeError(
                .unavailable, "\(version.plugin) \(version.version)",
                "its manifest is not read here: \(error)")
        }
    }
}

/// Runs registry work off the tasks' threads and turns its errors into those of the API.
func blocking<Result: Sendable>(
    _ work: @escaping @Sendable () throws -> Result
) async throws(RuntimeError) -> Result {
    do {
        return try await BlockingWork.run(work)
    } catch let error as RuntimeError {
        throw error
    } catch let error as RegistryError {
        throw RuntimeError(error)
    } catch {
        throw RuntimeError(.internalError, "runtime", "\(error)")
    }
}

extension RuntimeError {
    init(_ error: RegistryError) {
        let code: Code =
            switch error.code {
            case .notFound: .notFound
            case .conflict, .illegalTransition, .leaseLost: .conflict
            case .notAllowed: .forbidden
            case .invalid: .invalid
            case .limit: .limit
            case .newerDatabase: .newerData
            case .database, .provenance: .unavailable
            }
        self.init(code, error.subject, error.cause)
    }
}

/// The key-value store and the OAuth tokens of installations, in the registry.
struct RegistryStore: InstallationStorage, OAuthCredentials.Store {
    let registry: Registry
    let sealed: SealedStore
    let clock: RuntimeClock

    func value(_ key: String, of plugin: InstalledPlugin) async throws(OperationError) -> [UInt8]? {
        try await run { try registry.stored(key, of: plugin.plugin, for: plugin.tenant) }
    }

    func set(_ value: [UInt8]?, _ key: String, of plugin: InstalledPlugin) async throws(OperationError) {
        let quota = plugin.limits.storageMiB * 1_048_576
        _ = try await run {
            try registry.store(
                value, under: key, of: plugin.plugin, for: plugin.tenant, quotaBytes: quota, now: clock.now())
        }
    }

    func keys(prefix: String, of plugin: InstalledPlugin) async throws(OperationError) -> [String] {
        try await run { try registry.storedKeys(of: plugin.plugin, for: plugin.tenant, prefix: prefix) }
    }

    func token(_ name: String, of plugin: InstalledPlugin) async -> JSONValue? {
        let bytes = try? await run {
            try registry.secret(".oauth." + name, of: plugin.plugin, for: plugin.tenant, openedBy: sealed)
        }
        return bytes.flatMap { $0 }.flatMap { try? JSONValue.parse($0) }
    }

    func keep(_ token: JSONValue, _ name: String, of plugin: InstalledPlugin) async throws(OperationError) {
        try await run {
            try registry.setSecret(
                ".oauth." + name, token.serializedBytes(), of: plugin.plugin, for: plugin.tenant,
                sealedBy: sealed,
                now: clock.now())
        }
    }

    private func run<Result: Sendable>(
        _ work: @escaping @Sendable () throws -> Result
    ) async throws(OperationError) -> Result {
        do {
            return try await BlockingWork.run(work)
        } catch let error as RegistryError {
            let code = error.code == .limit ? "limit" : error.code == .invalid ? "invalid" : "unavailable"
            // A message that begins with the limit's name ends the plugin by it.
            throw OperationError(code: code, message: "\(error.subject): \(error.cause)")
        } catch {
            throw OperationError(code: "unavailable", message: "the store cannot be reached")
        }
    }
}
