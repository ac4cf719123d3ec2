/// Where a submission is. The raw values are the stored ones.
public enum SubmissionState: String, CaseIterable, Sendable, Hashable {
    case received, ingested, unpacked, scanned, tried, held, approved, rejected, listed, yanked, revoked,
        incomplete

    /// The moves that the table of states allows. `incomplete` returns only to the state it came from, which the row
    /// remembers.
    public var successors: Set<SubmissionState> {
        switch self {
        case .received: [.ingested, .rejected, .incomplete]
        case .ingested: [.unpacked, .rejected, .incomplete]
        case .unpacked: [.scanned, .rejected, .incomplete]
        case .scanned: [.tried, .rejected, .incomplete]
        case .tried: [.approved, .held, .rejected, .incomplete]
        case .held: [.approved, .rejected]
        case .approved: [.listed, .held, .rejected, .incomplete]
        // An appeal brings a rejected submission back before a person.
        case .rejected: [.held]
        case .listed: [.yanked, .revoked]
        case .yanked: [.listed, .revoked]
        case .revoked: []
        case .incomplete: [.received, .ingested, .unpacked, .scanned, .tried, .approved, .rejected]
        }
    }

    public func allows(_ next: SubmissionState) -> Bool { successors.contains(next) }

    /// Whether the pipeline itself will move it on, without a person.
    public var isInMotion: Bool {
        switch self {
        case .received, .ingested, .unpacked, .scanned, .tried, .approved: true
        case .held, .rejected, .listed, .yanked, .revoked, .incomplete: false
        }
    }

    /// What the publisher can do about it, unless the reason says more.
    public var defaultNextStep: String {
        switch self {
        case .received, .ingested, .unpacked, .scanned, .tried, .approved:
            "Nothing: the next stage takes it up by itself."
        case .held: "Wait for the reviewer, or answer what the reason asks."
        case .rejected: "Mend what the findings name and submit a new version, or appeal."
        case .listed: "Nothing to do: customers can install it."
        case .yanked: "Submit a newer version, or restore this one."
        case .revoked: "Read the evidence; a new version must not have the fault."
        case .incomplete: "Nothing: a check did not complete, and the operator has been told."
        }
    }
}

/// Why a submission moved: a code for programs, a sentence for people, and what the publisher does next.
public struct TransitionReason: Hashable, Sendable {
    public let code: String
    public let text: String
    public let nextStep: String?

    public init(_ code: String, _ text: String, nextStep: String? = nil) {
        self.code = code
        self.text = text
        self.nextStep = nextStep
    }
}
