// The SQLite file that knows what happened: publishers, submissions, versions, tenants, installations. Artefacts lie
// in files beside it. All access is by one transaction a call; the clock is always a parameter.
import Foundation
import GRDB
import Marketplace

/// The registry's database, open. Safe to share between threads and tasks; several processes may have it open.
public final class Registry: Sendable {
    let pool: DatabasePool

    /// Opens the file, making it when it is missing, and brings its tables up to date. A file of a newer program is
    /// refused and left as it is.
    public static func open(path: String) throws(RegistryError) -> Registry {
        do {
            var configuration = Configuration()
            configuration.foreignKeysEnabled = true
            configuration.busyMode = .timeout(10)
            configuration.prepareDatabase { database in
                // A committed transaction survives a power cut, not only a kill.
                try database.execute(sql: "PRAGMA synchronous = FULL")
            }
            let pool = try DatabasePool(path: path, configuration: configuration)
            let migrator = Schema.migrator
            if try pool.read(migrator.hasBeenSuperseded) {
                throw RegistryError(
                    .newerDatabase, path,
                    "was written by a newer version of VeroForge Marketplace; use that version, nothing was changed"
                )
            }
            try migrator.migrate(pool)
            return Registry(pool: pool)
        } catch let error as RegistryError {
            throw error
        } catch {
            throw RegistryError(.database, path, "cannot be opened: \(error)")
        }
    }

    private init(pool: DatabasePool) {
        self.pool = pool
    }

    /// Closes the file; the object is of no use afterwards.
    public func close() throws(RegistryError) {
        do { try pool.close() } catch { throw RegistryError(.database, "registry", "\(error)") }
    }

    /// Copies a consistent snapshot of the database into a new file while others go on writing.
    public func backup(to path: String) throws(RegistryError) {
        guard !FileManager.default.fileExists(atPath: path) else {
            throw RegistryError(.conflict, path, "is there already")
        }
        do {
            let copy = try DatabaseQueue(path: path)
            try pool.backup(to: copy)
            // One file, without a log beside it.
            try copy.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = DELETE") }
            try copy.close()
        } catch {
            throw Registry.wrap(error)
        }
    }

    func write<Result>(_ body: (Database) throws -> Result) throws(RegistryError) -> Result {
        do { return try pool.write(body) } catch { throw Registry.wrap(error) }
    }

    func read<Result>(_ body: (Database) throws -> Result) throws(RegistryError) -> Result {
        do { return try pool.read(body) } catch { throw Registry.wrap(error) }
    }

    private static func wrap(_ error: any Error) -> RegistryError {
        if let error = error as? RegistryError { return error }
        return RegistryError(.database, "registry", "\(error)")
    }
}

// How the words of the field lie in columns: instants as milliseconds, digests and ids as text, JSON as sorted text.
extension Instant {
    var column: Int64 { milliseconds }
}

extension Row {
    func instant(_ column: String) -> Instant { Instant(milliseconds: self[column]) }

    func optionalInstant(_ column: String) -> Instant? {
        (self[column] as Int64?).map { Instant(milliseconds: $0) }
    }

    func json(_ column: String) throws -> JSONValue {
        let text: String = self[column]
        do { return try JSONValue.parse(text) } catch {
            throw RegistryError(.database, column, "holds text that is not JSON: \(error)")
        }
    }

    func optionalJSON(_ column: String) throws -> JSONValue? {
        guard (self[column] as String?) != nil else { return nil }
        return try json(column)
    }

    /// A value that was checked when it was written; a row that no longer follows the rule is damage, not input.
    func value<Value>(_ column: String, _ make: (String) -> Value?) throws -> Value {
        let text: String = self[column]
        guard let value = make(text) else { throw RegistryError(.database, column, "holds \(text)") }
        return value
    }

    func optionalValue<Value>(_ column: String, _ make: (String) -> Value?) throws -> Value? {
        guard (self[column] as String?) != nil else { return nil }
        return try value(column, make)
    }
}
