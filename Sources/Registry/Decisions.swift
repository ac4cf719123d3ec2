// Decisions about submissions: the policy's and people's. The signed file lies among the reports; its digest is here.
import GRDB
public import Marketplace

/// What is decided.
public enum Verdict: String, CaseIterable, Sendable {
    case approve, hold, reject

    public var state: SubmissionState {
        switch self {
        case .approve: .approved
        case .hold: .held
        case .reject: .rejected
        }
    }
}

/// A decision to be recorded.
public struct NewDecision: Hashable, Sendable {
    public let verdict: Verdict
    /// `policy`, or the reviewer's name.
    public let decidedBy: String
    public let reason: String
    /// The policy's rules that led to it, by name.
    public let rules: [String]
    public let policy: Marketplace.Digest?
    /// The digest of the signed decision file.
    public let envelope: Marketplace.Digest?

    public init(
        verdict: Verdict, decidedBy: String, reason: String, rules: [String],
        policy: Marketplace.Digest? = nil,
        envelope: Marketplace.Digest? = nil
    ) {
        self.verdict = verdict
        self.decidedBy = decidedBy
        self.reason = reason
        self.rules = rules
        self.policy = policy
        self.envelope = envelope
    }
}

/// A decision on record.
public struct Decision: Hashable, Sendable {
    public let submission: Marketplace.Digest
    public let decision: NewDecision
    public let at: Instant

    init(_ row: Row) throws {
        submission = try row.value("submission") { Marketplace.Digest(hex: $0) }
        let verdict: Verdict = try row.value("verdict", Verdict.init)
        decision = NewDecision(
            verdict: verdict, decidedBy: row["decidedBy"], reason: row["reason"],
            rules: (try row.json("rules").arrayValue ?? []).compactMap(\.stringValue),
            policy: try row.optionalValue("policyDigest") { Marketplace.Digest(hex: $0) },
            envelope: try row.optionalValue("envelopeDigest") { Marketplace.Digest(hex: $0) })
        at = row.instant("at")
    }
}

extension Registry {
    /// Records a reviewer's decision on a held submission and moves it, once enough different reviewers agree: one
    /// approval in the ordinary case, two where the submission needs four eyes. A rejection needs one.
    @discardableResult
    public func review(
        _ id: Marketplace.Digest, _ decision: NewDecision, now: Instant
    ) throws(RegistryError) -> Submission {
        try write { database in
            let item = try Registry.requireSubmission(id, database)
            guard item.state == .held || item.state == .approved && decision.verdict != .approve else {
                throw RegistryError(
                    .illegalTransition, id.hex,
                    "is \(item.state.rawValue); only a held submission is reviewed")
            }
            guard !decision.reason.isEmpty || decision.verdict == .approve else {
                throw RegistryError(
                    .invalid, "reason", "is needed to \(decision.verdict.rawValue) a submission")
            }
            try Registry.insert(decision, for: id, now: now, database)
            if decision.verdict == .approve {
                let approvers = try Registry.approvers(of: id, since: item.updatedAt, database)
                guard approvers.count >= item.approvalsNeeded else { return item }
            }
            if decision.verdict != .hold || item.state == .approved {
                let text = decision.reason.isEmpty ? "Approved by \(decision.decidedBy)." : decision.reason
                try Registry.move(
                    item, to: decision.verdict.state,
                    TransitionReason("review-\(decision.verdict.rawValue)", text),
                    actor: decision.decidedBy, now: now, database)
            }
            return try Registry.requireSubmission(id, database)
        }
    }

    /// A publisher's appeal: the rejected submission goes before a person again.
    @discardableResult
    public func appeal(
        _ id: Marketplace.Digest, by publisher: PublisherID, text: String, dueAt: Instant, now: Instant
    ) throws(RegistryError) -> Submission {
        try write { database in
            let item = try Registry.requireSubmission(id, database)
            guard item.publisher == publisher else {
                throw RegistryError(.notFound, id.hex, "is no submission")
            }
            guard item.plugin != nil else {
                throw RegistryError(
                    .notAllowed, id.hex, "was never read as a bundle, so there is nothing to review")
            }
            try Registry.move(
                item, to: .held, TransitionReason("appealed", text), actor: publisher.text, now: now, database
            )
            try database.execute(
                sql: "UPDATE submissions SET dueAt = ? WHERE id = ?", arguments: [dueAt.column, id.hex])
            return try Registry.requireSubmission(id, database)
        }
    }

    /// The review queue: held submissions, the riskiest of those that are due first.
    public func reviewQueue(limit: Int = 200) throws(RegistryError) -> [Submission] {
        try read {
            try Row.fetchAll(
                $0,
                sql: """
                    SELECT * FROM submissions WHERE state = 'held'
                    ORDER BY dueAt IS NULL, dueAt, risk DESC, receivedAt, id LIMIT ?
                    """, arguments: [limit]
            ).map(Submission.init)
        }
    }

    public func decisions(of id: Marketplace.Digest) throws(RegistryError) -> [Decision] {
        try read {
            try Row.fetchAll(
                $0, sql: "SELECT * FROM decisions WHERE submission = ? ORDER BY id", arguments: [id.hex]
            ).map(Decision.init)
        }
    }

    static func insert(
        _ decision: NewDecision, for id: Marketplace.Digest, now: Instant, _ database: Database
    ) throws {
        try database.execute(
            sql: """
                INSERT INTO decisions (submission, verdict, decidedBy, reason, rules, policyDigest, envelopeDigest, at)
                VALUES (?, ?, ?, ?, ?, ?, ?, ?)
                """,
            arguments: [
                id.hex, decision.verdict.rawValue, decision.decidedBy, decision.reason,
                JSONValue.array(decision.rules.map { .string($0) }).serialized(), decision.policy?.hex,
                decision.envelope?.hex, now.column,
            ])
    }

    private static func approvers(
        of id: Marketplace.Digest, since: Instant, _ database: Database
    ) throws -> Set<String> {
        try String.fetchSet(
            database,
            sql: """
                SELECT decidedBy FROM decisions
                WHERE submission = ? AND verdict = 'approve' AND at >= ? AND decidedBy <> 'policy'
                """, arguments: [id.hex, since.column])
    }
}
