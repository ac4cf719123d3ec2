// The run ledger: which pipeline ran when and how it ended. A run that never said so was interrupted; the next one of
// the same pipeline frees what it had leased.
import GRDB
public import Marketplace

/// A run of a pipeline.
public struct Run: Hashable, Sendable {
    public enum Outcome: String, Sendable {
        case done, failed, interrupted
    }

    public let id: Int64
    public let pipeline: String
    public let startedAt: Instant
    public let finishedAt: Instant?
    public let outcome: Outcome?
    public let exitCode: Int?
    public let items: Int
    public let failed: Int
    public let detail: JSONValue

    /// The name under which the run leases items.
    public var owner: String { "\(pipeline)#\(id)" }

    init(_ row: Row) throws {
        id = row["id"]
        pipeline = row["pipeline"]
        startedAt = row.instant("startedAt")
        finishedAt = row.optionalInstant("finishedAt")
        outcome = try row.optionalValue("outcome", Outcome.init)
        exitCode = row["exitCode"]
        items = row["items"]
        failed = row["failed"]
        detail = try row.json("detail")
    }
}

extension Registry {
    /// Begins a run. The caller holds the pipeline's lock, so an earlier run that has not ended is dead: it is marked
    /// interrupted and its leases are free at once.
    public func beginRun(of pipeline: String, now: Instant) throws(RegistryError) -> Run {
        try write { database in
            let dead = try Row.fetchAll(
                database, sql: "SELECT * FROM runs WHERE pipeline = ? AND finishedAt IS NULL",
                arguments: [pipeline]
            ).map(Run.init)
            for run in dead {
                try database.execute(
                    sql: "UPDATE runs SET finishedAt = ?, outcome = 'interrupted' WHERE id = ?",
                    arguments: [now.column, run.id])
                try database.execute(
                    sql: "UPDATE submissions SET leaseOwner = NULL, leaseUntil = NULL WHERE leaseOwner = ?",
                    arguments: [run.owner])
            }
            try database.execute(
                sql: "INSERT INTO runs (pipeline, startedAt) VALUES (?, ?)",
                arguments: [pipeline, now.column])
            let row = try Row.fetchOne(
                database, sql: "SELECT * FROM runs WHERE id = ?", arguments: [database.lastInsertedRowID])
            return try Run(row!)
        }
    }

    /// Ends a run with what it did.
    public func endRun(
        _ run: Run, exitCode: Int, items: Int, failed: Int, detail: JSONValue = .object([:]), now: Instant
    ) throws(RegistryError) {
        try write { database in
            try database.execute(
                sql: """
                    UPDATE runs SET finishedAt = ?, outcome = ?, exitCode = ?, items = ?, failed = ?, detail = ?
                    WHERE id = ? AND finishedAt IS NULL
                    """,
                arguments: [
                    now.column, failed == 0 && exitCode == 0 ? "done" : "failed", exitCode, items, failed,
                    detail.serialized(), run.id,
                ])
        }
    }

    /// The latest runs of a pipeline (of all when `nil`), newest first.
    public func runs(of pipeline: String? = nil, limit: Int = 20) throws(RegistryError) -> [Run] {
        try read {
            try Row.fetchAll(
                $0, sql: "SELECT * FROM runs WHERE ?1 IS NULL OR pipeline = ?1 ORDER BY id DESC LIMIT ?2",
                arguments: [pipeline, limit]
            ).map(Run.init)
        }
    }

    /// How long the oldest submission that the pipeline should move has been waiting, in milliseconds.
    public func oldestItemAgeMs(now: Instant) throws(RegistryError) -> Int64? {
        let waiting = SubmissionState.allCases.filter { $0.isInMotion || $0 == .incomplete }.map(\.rawValue)
        return try read { database in
            let marks = Array(repeating: "?", count: waiting.count).joined(separator: ", ")
            let oldest = try Int64.fetchOne(
                database, sql: "SELECT MIN(updatedAt) FROM submissions WHERE state IN (\(marks))",
                arguments: StatementArguments(waiting))
            return oldest.map { now.milliseconds - $0 }
        }
    }
}
