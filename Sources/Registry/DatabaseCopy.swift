// A consistent copy of one of the marketplace's SQLite files while others go on writing it.
import Foundation
import GRDB

extension Registry {
    /// Copies the database at `path` into a new file, as one moment saw it. The new file has no log beside it.
    public static func copyDatabase(from path: String, to copy: String) throws(RegistryError) {
        guard !FileManager.default.fileExists(atPath: copy) else {
            throw RegistryError(.conflict, copy, "is there already")
        }
        do {
            var configuration = Configuration()
            configuration.busyMode = .timeout(10)
            let source = try DatabaseQueue(path: path, configuration: configuration)
            let target = try DatabaseQueue(path: copy)
            try source.backup(to: target)
            try target.writeWithoutTransaction { try $0.execute(sql: "PRAGMA journal_mode = DELETE") }
            try target.close()
            try source.close()
        } catch {
            throw RegistryError(.database, path, "could not be copied: \(error)")
        }
    }

    /// Whether a database is whole: SQLite's own check of every page and index.
    public static func checkDatabase(_ path: String) throws(RegistryError) {
        let answer: String?
        do {
            var configuration = Configuration()
            configuration.readonly = true
            let queue = try DatabaseQueue(path: path, configuration: configuration)
            answer = try queue.read { try String.fetchOne($0, sql: "PRAGMA integrity_check(1)") }
            try queue.close()
        } catch {
            throw RegistryError(.database, path, "cannot be checked: \(error)")
        }
        guard answer == "ok" else {
            throw RegistryError(.database, path, "is damaged: \(answer ?? "no answer")")
        }
    }
}
