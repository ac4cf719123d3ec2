// Work on submissions: an item is leased while a stage works on it, moved on by the one who holds the lease, and
// backs off when the stage fails. A lease carries a token that grows with every lease of the item, so a worker that
// was thought dead cannot move it any more.
import GRDB
public import Marketplace

/// The right to move one submission, until a moment.
public struct Lease: Hashable, Sendable {
    public let submission: Submission
    public let owner: String
    public let token: Int64
    public let until: Instant
}

/// What a stage found, written in the transaction that moves the item.
public enum StageRecord: Sendable {
    /// The manifest's identity: reserves the plugin's id for ever and refuses a version that is taken.
    case identity(PluginID, Version, manifest: JSONValue)
    /// The risk score and when a person is to have decided.
    case review(risk: Int, dueAt: Instant?, approvalsNeeded: Int)
    case decision(NewDecision)
    /// Puts the version into the catalogue.
    case listing(channel: Channel, securityFix: Bool)
}

/// How often and how long a failing item is tried again.
public struct BackOff: Hashable, Sendable {
    public var firstDelayMs: Int64
    public var delayMsMax: Int64
    /// After this many failures in a row the item is `incomplete` and waits for the operator.
    public var attemptsMax: Int

    public init(firstDelayMs: Int64 = 60_000, delayMsMax: Int64 = 3_600_000, attemptsMax: Int = 5) {
        self.firstDelayMs = firstDelayMs
        self.delayMsMax = delayMsMax
        self.attemptsMax = attemptsMax
    }

    /// The delay after the n-th failure in a row: doubled each time, up to the greatest.
    public func delayMs(afterAttempt attempt: Int) -> Int64 {
        attempt > 40 ? delayMsMax : min(delayMsMax, firstDelayMs << Int64(max(0, attempt - 1)))
    }
}

extension Registry {
    /// The submissions that a stage could work on now: in `state`, not leased, their back-off over; those that
    /// failed less often first, then oldest first, so that a poisoned item never starves the rest.
    public func candidates(
        in state: SubmissionState, limit: Int? = nil, id: Marketplace.Digest? = nil, now: Instant
    ) throws(RegistryError) -> [Submission] {
        try read { try Registry.candidates(in: state, limit: limit, id: id, now: now, $0) }
    }

    /// Leases up to `limit` candidates to `owner`. An id asked for by name is leased even while it backs off.
    public func lease(
        in state: SubmissionState, limit: Int? = nil, id: Marketplace.Digest? = nil, owner: String,
        now: Instant,
        durationMs: Int64 = 900_000
    ) throws(RegistryError) -> [Lease] {
        try write { database in
            let until = now.adding(milliseconds: durationMs)
            return try Registry.candidates(in: state, limit: limit, id: id, now: now, database).map { item in
                let token = try Int64.fetchOne(
                    database,
                    sql: """
                        UPDATE submissions SET leaseOwner = ?, leaseUntil = ?, leaseToken = leaseToken + 1
                        WHERE id = ? RETURNING leaseToken
                        """, arguments: [owner, until.column, item.id.hex])
                return Lease(submission: item, owner: owner, token: token ?? 0, until: until)
            }
        }
    }

    /// Moves a leased submission on and writes what the stage found, in one transaction, and gives the lease back.
    @discardableResult
    public func advance(
        _ lease: Lease, to next: SubmissionState, reason: TransitionReason, records: [StageRecord] = [],
        actor: String, now: Instant
    ) throws(RegistryError) -> Submission {
        try write { database in
            let item = try Registry.held(lease, database)
            for record in records { try Registry.apply(record, to: item, now: now, database) }
            try Registry.move(item, to: next, reason, actor: actor, now: now, database)
            return try Registry.requireSubmission(item.id, database)
        }
    }

    /// Notes that a stage failed on a leased item: it keeps its state and backs off; after too many failures in a row
    /// it becomes `incomplete`.
    @discardableResult
    public func fail(
        _ lease: Lease, error: String, backOff: BackOff = BackOff(), actor: String, now: Instant
    ) throws(RegistryError) -> Submission {
        try write { database in
            let item = try Registry.held(lease, database)
            let attempts = item.attempts + 1
            if attempts >= backOff.attemptsMax, item.state.allows(.incomplete) {
                let reason = TransitionReason(
                    "stage-failed", "The stage failed \(attempts) times; last: \(error)")
                try Registry.move(item, to: .incomplete, reason, actor: actor, now: now, database)
            }
            try database.execute(
                sql: """
                    UPDATE submissions SET attempts = ?, notBefore = ?, lastError = ?, leaseOwner = NULL,
                        leaseUntil = NULL WHERE id = ?
                    """,
                arguments: [
                    attempts, now.adding(milliseconds: backOff.delayMs(afterAttempt: attempts)).column, error,
                    item.id.hex,
                ])
            return try Registry.requireSubmission(item.id, database)
        }
    }

    /// Gives a lease back unused.
    public func release(_ lease: Lease) throws(RegistryError) {
        try write { database in
            try database.execute(
                sql:
                    "UPDATE submissions SET leaseOwner = NULL, leaseUntil = NULL WHERE id = ? AND leaseToken = ?",
                arguments: [lease.submission.id.hex, lease.token])
        }
    }

    /// Takes an `incomplete` submission up again where it stopped.
    @discardableResult
    public func resume(_ id: Marketplace.Digest, actor: String, now: Instant) throws(RegistryError)
        -> Submission
    {
        try write { database in
            try Registry.resume(
                try Registry.requireSubmission(id, database), actor: actor, now: now, database)
        }
    }

    /// Takes up every `incomplete` submission whose back-off is over; returns them.
    @discardableResult
    public func resumeIncomplete(actor: String, now: Instant) throws(RegistryError) -> [Submission] {
        try write { database in
            try Row.fetchAll(
                database,
                sql: """
                    SELECT * FROM submissions WHERE state = 'incomplete' AND resumeState IS NOT NULL
                        AND notBefore <= ? ORDER BY receivedAt, id
                    """, arguments: [now.column]
            ).map { try Registry.resume(try Submission($0), actor: actor, now: now, database) }
        }
    }

    private static func resume(
        _ item: Submission, actor: String, now: Instant, _ database: Database
    ) throws -> Submission {
        guard item.state == .incomplete, let state = item.resumeState else {
            throw RegistryError(.illegalTransition, item.id.hex, "is \(item.state.rawValue), not incomplete")
        }
        let reason = TransitionReason("resumed", "The stage that did not complete is tried again.")
        try move(item, to: state, reason, actor: actor, now: now, database)
        return try requireSubmission(item.id, database)
    }

    private static func candidates(
        in state: SubmissionState, limit: Int?, id: Marketplace.Digest?, now: Instant, _ database: Database
    ) throws -> [Submission] {
        try Row.fetchAll(
            database,
            sql: """
                SELECT * FROM submissions
                WHERE state = ? AND (leaseUntil IS NULL OR leaseUntil <= ?)
                    AND (?3 IS NULL AND notBefore <= ?2 OR id = ?3)
                ORDER BY attempts, receivedAt, id LIMIT ?4
                """, arguments: [state.rawValue, now.column, id?.hex, limit ?? -1]
        ).map(Submission.init)
    }

    /// The submission as it is now, if the lease is still the one that counts.
    private static func held(_ lease: Lease, _ database: Database) throws -> Submission {
        let row = try Row.fetchOne(
            database, sql: "SELECT * FROM submissions WHERE id = ?", arguments: [lease.submission.id.hex])
        guard let row, row["leaseToken"] == lease.token, row["leaseOwner"] == lease.owner else {
            throw RegistryError(.leaseLost, lease.submission.id.hex, "is leased to another worker by now")
        }
        return try Submission(row)
    }

    private static func apply(
        _ record: StageRecord, to item: Submission, now: Instant, _ database: Database
    ) throws {
        switch record {
        case .identity(let plugin, let version, let manifest):
            try identify(item, plugin, version, manifest, now: now, database)
        case .review(let risk, let dueAt, let approvalsNeeded):
            try database.execute(
                sql: "UPDATE submissions SET risk = ?, dueAt = ?, approvalsNeeded = ? WHERE id = ?",
                arguments: [risk, dueAt?.column, approvalsNeeded, item.id.hex])
        case .decision(let decision):
            try insert(decision, for: item.id, now: now, database)
        case .listing(let channel, let securityFix):
            try list(item, channel: channel, securityFix: securityFix, now: now, database)
        }
    }
}
