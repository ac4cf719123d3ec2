// Submissions: received once, moved one legal step at a time, each step recorded. The id of a submission is the
// SHA-256 of its bytes, so the same bytes are the same submission.
import GRDB
public import Marketplace

/// A row of the table of submissions.
public struct Submission: Hashable, Sendable {
    /// The bundle's digest.
    public let id: Marketplace.Digest
    public let publisher: PublisherID
    public let state: SubmissionState
    /// For `incomplete`: the state to take up again.
    public let resumeState: SubmissionState?
    public let plugin: PluginID?
    public let version: Version?
    public let manifest: JSONValue?
    public let byteCount: Int
    public let receivedAt: Instant
    public let updatedAt: Instant
    public let reason: TransitionReason
    public let risk: Int?
    public let dueAt: Instant?
    /// How many different reviewers must approve; 2 is the four-eyes rule.
    public let approvalsNeeded: Int
    public let attempts: Int
    /// The back-off's end; the item is not leased before.
    public let notBefore: Instant
    public let lastError: String?

    init(_ row: Row) throws {
        id = try row.value("id") { Marketplace.Digest(hex: $0) }
        publisher = try row.value("publisher", PublisherID.init)
        state = try row.value("state", SubmissionState.init)
        resumeState = try row.optionalValue("resumeState", SubmissionState.init)
        plugin = try row.optionalValue("plugin", PluginID.init)
        version = try row.optionalValue("version", Version.init)
        manifest = try row.optionalJSON("manifest")
        byteCount = row["byteCount"]
        receivedAt = row.instant("receivedAt")
        updatedAt = row.instant("updatedAt")
        reason = TransitionReason(row["reasonCode"], row["reason"], nextStep: row["nextStep"])
        risk = row["risk"]
        dueAt = row.optionalInstant("dueAt")
        approvalsNeeded = row["approvalsNeeded"]
        attempts = row["attempts"]
        notBefore = row.instant("notBefore")
        lastError = row["lastError"]
    }
}

/// A recorded step of a submission.
public struct Transition: Hashable, Sendable {
    public let from: SubmissionState?
    public let to: SubmissionState
    public let at: Instant
    public let reason: TransitionReason
    /// The stage or person that moved it.
    public let actor: String

    init(_ row: Row) throws {
        from = try row.optionalValue("fromState", SubmissionState.init)
        to = try row.value("toState", SubmissionState.init)
        at = row.instant("at")
        reason = TransitionReason(row["reasonCode"], row["reason"], nextStep: row["nextStep"])
        actor = row["actor"]
    }
}

extension Registry {
    /// Takes a bundle in. The same bytes from the same publisher are a no-op: the row that is there comes back.
    public func receive(
        bundle: Marketplace.Digest, byteCount: Int, publisher: PublisherID, now: Instant
    ) throws(RegistryError) -> (submission: Submission, isNew: Bool) {
        try write { database in
            if let known = try Registry.submission(bundle, database) {
                guard known.publisher == publisher else {
                    throw RegistryError(.conflict, bundle.hex, "was submitted by another publisher")
                }
                return (known, false)
            }
            let owner = try Registry.publisher(publisher, database)
            guard owner.state == .active else {
                throw RegistryError(.notAllowed, publisher.text, "is quarantined: \(owner.stateReason ?? "")")
            }
            let reason = TransitionReason("received", "The bundle is here.")
            try database.execute(
                sql: """
                    INSERT INTO submissions
                        (id, publisher, state, byteCount, receivedAt, updatedAt, reasonCode, reason, nextStep)
                    VALUES (?, ?, 'received', ?, ?, ?, ?, ?, ?)
                    """,
                arguments: [
                    bundle.hex, publisher.text, byteCount, now.column, now.column, reason.code, reason.text,
                    SubmissionState.received.defaultNextStep,
                ])
            try Registry.record(bundle, nil, .received, reason, "receive", now, database)
            return (try Registry.requireSubmission(bundle, database), true)
        }
    }

    public func submission(_ id: Marketplace.Digest) throws(RegistryError) -> Submission {
        try read { try Registry.requireSubmission(id, $0) }
    }

    /// A submission by its whole id or by a beginning of at least eight digits that fits one alone.
    public func submission(matching text: String) throws(RegistryError) -> Submission {
        guard text.utf8.count >= 8, text.utf8.count <= 64,
            text.allSatisfy({ $0.isHexDigit && !$0.isUppercase })
        else {
            throw RegistryError(.invalid, text, "is no submission id: give at least 8 hexadecimal digits")
        }
        return try read { database in
            let rows = try Row.fetchAll(
                database, sql: "SELECT * FROM submissions WHERE id >= ? AND id < ? ORDER BY id LIMIT 2",
                arguments: [text, text + "g"])
            guard let row = rows.first else { throw RegistryError(.notFound, text, "is no submission") }
            guard rows.count == 1 else {
                throw RegistryError(.conflict, text, "is the beginning of several ids")
            }
            return try Submission(row)
        }
    }

    /// The submissions of a publisher, newest first.
    public func submissions(of publisher: PublisherID, limit: Int = 100) throws(RegistryError) -> [Submission]
    {
        try read {
            try Row.fetchAll(
                $0, sql: "SELECT * FROM submissions WHERE publisher = ? ORDER BY receivedAt DESC, id LIMIT ?",
                arguments: [publisher.text, limit]
            ).map(Submission.init)
        }
    }

    /// The submissions in a state, oldest first.
    public func submissions(in state: SubmissionState, limit: Int = 1000) throws(RegistryError)
        -> [Submission]
    {
        try read {
            try Row.fetchAll(
                $0, sql: "SELECT * FROM submissions WHERE state = ? ORDER BY receivedAt, id LIMIT ?",
                arguments: [state.rawValue, limit]
            ).map(Submission.init)
        }
    }

    /// What happened to a submission, in order.
    public func transitions(of id: Marketplace.Digest) throws(RegistryError) -> [Transition] {
        try read {
            try Row.fetchAll(
                $0, sql: "SELECT * FROM transitions WHERE submission = ? ORDER BY id", arguments: [id.hex]
            ).map(Transition.init)
        }
    }

    /// How many submissions are in each state, and since when the oldest of each has been there.
    public func stateCounts() throws(RegistryError) -> [SubmissionState: (count: Int, oldest: Instant)] {
        try read { database in
            var result: [SubmissionState: (count: Int, oldest: Instant)] = [:]
            let sql = "SELECT state, COUNT(*) AS n, MIN(updatedAt) AS oldest FROM submissions GROUP BY state"
            for row in try Row.fetchAll(database, sql: sql) {
                result[try row.value("state", SubmissionState.init)] = (row["n"], row.instant("oldest"))
            }
            return result
        }
    }

    static func submission(_ id: Marketplace.Digest, _ database: Database) throws -> Submission? {
        try Row.fetchOne(database, sql: "SELECT * FROM submissions WHERE id = ?", arguments: [id.hex])
            .map(Submission.init)
    }

    static func requireSubmission(_ id: Marketplace.Digest, _ database: Database) throws -> Submission {
        guard let found = try submission(id, database) else {
            throw RegistryError(.notFound, id.hex, "is no submission")
        }
        return found
    }

    /// The one place where a submission changes its state.
    static func move(
        _ submission: Submission, to next: SubmissionState, _ reason: TransitionReason, actor: String,
        now: Instant,
        _ database: Database
    ) throws {
        let isResumption = submission.state == .incomplete && next != .rejected
        guard submission.state.allows(next), !isResumption || submission.resumeState == next else {
            throw RegistryError(
                .illegalTransition, submission.id.hex,
                "cannot go from \(submission.state.rawValue) to \(next.rawValue)")
        }
        let nextStep = reason.nextStep ?? next.defaultNextStep
        try database.execute(
            sql: """
                UPDATE submissions SET state = ?, resumeState = ?, updatedAt = ?, reasonCode = ?, reason = ?,
                    nextStep = ?, attempts = 0, notBefore = 0, lastError = NULL, leaseOwner = NULL, leaseUntil = NULL
                WHERE id = ?
                """,
            arguments: [
                next.rawValue, next == .incomplete ? submission.state.rawValue : nil, now.column, reason.code,
                reason.text, nextStep, submission.id.hex,
            ])
        try record(submission.id, submission.state, next, reason, actor, now, database)
    }

    private static func record(
        _ id: Marketplace.Digest, _ from: SubmissionState?, _ to: SubmissionState, _ reason: TransitionReason,
        _ actor: String, _ now: Instant, _ database: Database
    ) throws {
        try database.execute(
            sql: """
                INSERT INTO transitions (submission, fromState, toState, at, reasonCode, reason, nextStep, actor)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                id.hex, from?.rawValue, to.rawValue, now.column, reason.code, reason.text,
                reason.nextStep ?? to.defaultNextStep, actor,
            ])
    }
}
