import Marketplace
import Registry
import Scanning
import Yams

/// The part of `rules/policy.yaml` about weighing and reviewing. An unknown or missing key is an error: a mistyped
/// weight must not become a default.
public struct ReviewRules: Sendable, Codable, Equatable {
    /// What the risk is the sum of.
    public struct Weights: Sendable, Codable, Equatable {
        public let info: Int
        public let low: Int
        public let medium: Int
        public let high: Int
        public let critical: Int
        public let newPermission: Int
        public let firstVersion: Int
        public let unverifiedPublisher: Int
        public let youngPublisher: Int
        public let revokedBefore: Int
    }

    public let automaticRiskMax: Int
    public let fourEyesFrom: String
    public let dueHours: Int64
    public let urgentDueHours: Int64
    public let urgentRiskMin: Int
    public let risk: Weights
    public let youngPublisherDays: Int64

    private static let keys: Set<String> = [
        "automaticRiskMax", "fourEyesFrom", "dueHours", "urgentDueHours", "urgentRiskMin", "risk",
        "youngPublisherDays",
    ]

    private struct File: Codable {
        let review: ReviewRules
    }

    public init(policy text: String) throws(PipelineError) {
        func wrong(_ what: String) -> PipelineError {
            PipelineError(
                .usage, "rules/policy.yaml: review: \(what)", remedy: "Correct the policy file.")
        }
        do {
            for (key, _) in try Yams.compose(yaml: text)?.mapping?["review"]?.mapping ?? [:]
            where !Self.keys.contains(key.string ?? "") {
                throw wrong("\(key.string ?? "a key") is unknown")
            }
            self = try YAMLDecoder().decode(File.self, from: text).review
        } catch let error as PipelineError {
            throw error
        } catch {
            throw wrong("\(error)")
        }
        guard fourEyesFrom == "never" || Severity(rawValue: fourEyesFrom) != nil else {
            throw wrong("fourEyesFrom is no severity and not never")
        }
    }

    /// How many different reviewers must approve.
    func approvalsNeeded(_ findings: [Finding]) -> Int {
        guard let from = Severity(rawValue: fourEyesFrom) else { return 1 }
        return findings.contains { $0.mode == .enforced && $0.severity >= from } ? 2 : 1
    }

    /// When a person is to have decided.
    func dueAt(risk: Int, now: Instant) -> Instant {
        let hours = risk >= urgentRiskMin ? min(urgentDueHours, dueHours) : dueHours
        return now.adding(milliseconds: hours * 3_600_000)
    }
}

/// How much a reviewer should worry, 0 to 100, with what it is the sum of.
public struct Risk: Sendable, Equatable {
    public let parts: [(name: String, points: Int)]

    public var score: Int { min(100, parts.reduce(0) { $0 + $1.points }) }
    /// `high findings 30, unverified publisher 5`.
    public var words: String {
        parts.isEmpty ? "nothing" : parts.map { "\($0.name) \($0.points)" }.joined(separator: ", ")
    }

    public static func == (left: Risk, right: Risk) -> Bool { left.words == right.words }

    init(
        _ findings: [Finding], newPermissions: [Permission]?, _ standing: PublisherStanding,
        _ rules: ReviewRules
    ) {
        var parts: [(String, Int)] = []
        func add(_ name: String, _ points: Int) { if points > 0 { parts.append((name, points)) } }
        let weights = rules.risk
        for (severity, weight) in [
            (Severity.critical, weights.critical), (.high, weights.high), (.medium, weights.medium),
            (.low, weights.low), (.info, weights.info),
        ] {
            let count = findings.filter { $0.mode == .enforced && $0.severity == severity }.count
            add("\(severity.rawValue) findings", count * weight)
        }
        add("new permissions", (newPermissions?.count ?? 0) * weights.newPermission)
        if newPermissions == nil { add("first version", weights.firstVersion) }
        if !standing.isVerified { add("unverified publisher", weights.unverifiedPublisher) }
        if standing.ageMs < rules.youngPublisherDays * 86_400_000 {
            add("young publisher", weights.youngPublisher)
        }
        if standing.revoked > 0 { add("revoked before", weights.revokedBefore) }
        self.parts = parts
    }
}
