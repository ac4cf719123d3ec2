// The resolver over the catalogue, for one tenant.
import GRDB
public import Marketplace

extension Registry {
    /// The lock for installing a version for a tenant: the versions of everything it needs. What the tenant has
    /// installed stays in its version; where that cannot be, the conflict says who needs what.
    public func lock(
        for plugin: PluginID, _ version: Version, tenant: TenantID
    ) throws(RegistryError) -> [PluginID: Version] {
        try read { database in
            let row = try Registry.tenant(tenant, database)
            let others = try Registry.entangled(with: plugin, for: tenant, database)
            var roots = [plugin: VersionRange.exactly(version)]
            for other in others { roots[other.plugin] = .exactly(other.version) }
            let installed = Dictionary(uniqueKeysWithValues: others.map { ($0.plugin, $0.version) })
            // A resolver's question cannot throw; a damaged row is an error of the database all the same.
            var failure: (any Error)?
            let resolver = Resolver(preferred: installed) { id in
                do {
                    return try Registry.versions(of: id, database).filter { found in
                        installed[id] == found.version
                            || found.isInstallable && found.isOffered(in: row.channel)
                            || id == plugin && found.version == version
                    }.map {
                        Resolver.Candidate(
                            version: $0.version,
                            dependencies: try Registry.parse($0.manifest, $0.bundle).dependencies)
                    }
                } catch {
                    failure = error
                    return []
                }
            }
            do {
                var lock = try resolver.resolve(roots)
                if let failure { throw failure }
                let needed = try Registry.reachable(from: plugin, lock, database)
                lock = lock.filter { needed.contains($0.key) }
                return lock
            } catch let conflict as Resolver.Conflict {
                if let failure { throw failure }
                throw RegistryError(.conflict, "\(plugin) \(version)", conflict.description)
            }
        }
    }

    /// The tenant's other installations that need something, or that something may need: the rest has no part in the
    /// answer, however much is installed.
    private static func entangled(
        with plugin: PluginID, for tenant: TenantID, _ database: Database
    ) throws -> [Installation] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT * FROM installations AS i WHERE tenant = ? AND state <> 'removed' AND plugin <> ? AND (
                    EXISTS (SELECT 1 FROM dependencies AS d WHERE d.plugin = i.plugin AND d.version = i.version)
                    OR EXISTS (SELECT 1 FROM dependencies AS d WHERE d.dependency = i.plugin))
                """, arguments: [tenant.text, plugin.text]
        ).map(Installation.init)
    }

    private static func reachable(
        from plugin: PluginID, _ lock: [PluginID: Version], _ database: Database
    ) throws -> Set<PluginID> {
        var found: Set<PluginID> = []
        var open = [plugin]
        while let next = open.popLast() {
            guard let chosen = lock[next] else { continue }
            let row = try version(next, chosen, database)
            for dependency in try parse(row.manifest, row.bundle).dependencies
            where found.insert(dependency.id).inserted {
                open.append(dependency.id)
            }
        }
        return found
    }
}

extension ListedVersion {
    /// Whether a tenant of a channel sees the version: stable tenants see what is stable, beta tenants see all.
    public func isOffered(in channel: Channel) -> Bool { channel == .beta || self.channel == .stable }
}
