// A plugin's id and version, taken once and never again.
import GRDB
public import Marketplace

extension Registry {
    /// Says whether a submission may claim an id and a version, without claiming them.
    public func checkIdentity(
        of id: Marketplace.Digest, plugin: PluginID, version: Version
    ) throws(RegistryError) {
        try read { database in
            let item = try Registry.requireSubmission(id, database)
            try Registry.checkIdentity(item, plugin, version, database)
        }
    }

    static func identify(
        _ item: Submission, _ plugin: PluginID, _ version: Version, _ manifest: JSONValue, now: Instant,
        _ database: Database
    ) throws {
        try checkIdentity(item, plugin, version, database)
        try database.execute(
            sql: """
                INSERT INTO plugins (id, publisher, reservedAt, skeleton) VALUES (?, ?, ?, ?)
                ON CONFLICT (id) DO NOTHING
                """,
            arguments: [plugin.text, plugin.publisher.text, now.column, NameCheck.skeleton(plugin.name)])
        try database.execute(
            sql: "UPDATE submissions SET plugin = ?, version = ?, manifest = ? WHERE id = ?",
            arguments: [plugin.text, version.description, manifest.serialized(), item.id.hex])
    }

    private static func checkIdentity(
        _ item: Submission, _ plugin: PluginID, _ version: Version, _ database: Database
    ) throws {
        guard plugin.publisher == item.publisher else {
            throw RegistryError(
                .notAllowed, plugin.text,
                "belongs to the publisher \(plugin.publisher), not to \(item.publisher)")
        }
        let taken = try String.fetchAll(
            database,
            // Build metadata does not make another version: 1.0.0+a and 1.0.0+b have the same precedence.
            sql: "SELECT version FROM submissions WHERE plugin = ? AND id <> ?",
            arguments: [plugin.text, item.id.hex])
        if let same = taken.compactMap({ Version($0) }).first(where: { $0.compare(version) == 0 }) {
            throw RegistryError(
                .conflict, "\(plugin) \(version)",
                "was submitted before with other bytes (\(same)); a version is used once, raise it")
        }
        let isNew =
            try Row.fetchOne(database, sql: "SELECT 1 FROM plugins WHERE id = ?", arguments: [plugin.text])
            == nil
        guard isNew else { return }
        let others = try String.fetchAll(
            database, sql: "SELECT id FROM plugins WHERE publisher <> ? ORDER BY id",
            arguments: [item.publisher.text]
        ).compactMap(PluginID.init)
        if let problem = NameCheck.problem(with: plugin, among: others) {
            throw RegistryError(.conflict, plugin.text, problem)
        }
    }
}
