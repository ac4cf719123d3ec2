// The notice that an update happened by itself.
import GRDB
public import Marketplace

extension Registry {
    /// Tells the tenant of an update that its policy let through; said once.
    public func noteUpdate(
        of installation: Installation, to version: Version, now: Instant
    ) throws(RegistryError) {
        let body: JSONValue = [
            "plugin": .string(installation.plugin.text),
            "installed": .string(installation.version.description),
            "version": .string(version.description),
        ]
        try write { database in
            try database.execute(
                sql: """
                    INSERT INTO notices (tenant, subject, kind, body, createdAt) VALUES (?, ?, ?, ?, ?)
                    ON CONFLICT DO NOTHING
                    """,
                arguments: [
                    installation.tenant.text,
                    "update.done \(installation.id) \(installation.version) \(version)",
                    Notice.Kind.updated.rawValue, body.serialized(), now.column,
                ])
        }
    }
}
