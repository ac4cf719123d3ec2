/// What the checks of a version came to. "Not scanned" is `incomplete`, never `clean`.
public enum Verdict: String, Codable, Sendable, CaseIterable {
    case clean, review, reject, incomplete
}

/// How a permission stands to the same one in the version approved before.
public enum PermissionChange: String, Codable, Sendable, CaseIterable {
    /// There was no version before.
    case first
    case same
    case added
    case removed
    /// The same target, but other methods or another purpose.
    case changed
}

/// A line of a file of the bundle.
public struct SourcePlace: Codable, Sendable, Equatable {
    public var file: String
    /// From 1.
    public var line: Int

    public init(file: String, line: Int) {
        self.file = file
        self.line = line
    }
}

/// One permission, three ways: as declared, as found in the code, as seen in the trial.
public struct PermissionRow: Codable, Sendable, Equatable {
    /// `readData`, `writeData`, `triggerWorkflow` or `fetch`.
    public var operation: String
    /// The entity, workflow or host.
    public var target: String
    /// HTTP methods of a `fetch`.
    public var methods: [String]
    /// The publisher's own reason.
    public var purpose: String
    public var declared: Bool
    /// Where the code asks for it.
    public var detected: [SourcePlace]
    /// How often it was asked for in the trial.
    public var observed: Int
    public var change: PermissionChange
    /// What follows for the decision, in words; empty takes the words of `PlainWords`.
    public var consequence: String

    public init(
        operation: String, target: String, methods: [String] = [], purpose: String = "",
        declared: Bool = true, detected: [SourcePlace] = [], observed: Int = 0,
        change: PermissionChange = .first, consequence: String = ""
    ) {
        self.operation = operation
        self.target = target
        self.methods = methods
        self.purpose = purpose
        self.declared = declared
        self.detected = detected
        self.observed = observed
        self.change = change
        self.consequence = consequence
    }
}

/// A line of code beside a finding.
public struct ExcerptLine: Codable, Sendable, Equatable {
    public var number: Int
    public var text: String
    public var marked: Bool

    public init(number: Int, text: String, marked: Bool = false) {
        self.number = number
        self.text = text
        self.marked = marked
    }
}

/// A finding of the scan or the trial.
public struct FindingRow: Codable, Sendable, Equatable {
    /// The rule's id, the anchor of its page in the rule catalogue.
    public var rule: String
    /// The class: `malicious-code`, `secret`, `dependency`, …
    public var kind: String
    /// `critical`, `high`, `medium`, `low` or `info`.
    public var severity: String
    public var file: String
    public var line: Int
    public var column: Int
    public var message: String
    public var excerpt: [ExcerptLine]
    /// Why it matters.
    public var why: String
    /// When it is legitimate.
    public var legitimate: String
    /// Not seen in the approved version before.
    public var isNew: Bool
    public var fingerprint: String

    public init(
        rule: String, kind: String, severity: String, file: String = "", line: Int = 0, column: Int = 0,
        message: String, excerpt: [ExcerptLine] = [], why: String = "", legitimate: String = "",
        isNew: Bool = true, fingerprint: String = ""
    ) {
        self.rule = rule
        self.kind = kind
        self.severity = severity
        self.file = file
        self.line = line
        self.column = column
        self.message = message
        self.excerpt = excerpt
        self.why = why
        self.legitimate = legitimate
        self.isNew = isNew
        self.fingerprint = fingerprint
    }
}

/// A check that was carried out, or was not.
public struct CheckRow: Codable, Sendable, Equatable {
    public var name: String
    /// `passed`, `findings`, `incomplete` or `skipped`.
    public var result: String
    /// How many files it looked at.
    public var files: Int
    /// What it does, or why it did not complete.
    public var detail: String

    public init(name: String, result: String, files: Int = 0, detail: String = "") {
        self.name = name
        self.result = result
        self.files = files
        self.detail = detail
    }
}

/// How one action went in the trial.
public struct TrialAction: Codable, Sendable, Equatable {
    public var name: String
    /// `ok`, `error`, or the limit that ended it.
    public var outcome: String
    public var wallMs: Int
    public var cpuMs: Int
    /// Operations asked of the application.
    public var operations: Int
    public var detail: String

    public init(
        name: String, outcome: String, wallMs: Int, cpuMs: Int, operations: Int, detail: String = ""
    ) {
        self.name = name
        self.outcome = outcome
        self.wallMs = wallMs
        self.cpuMs = cpuMs
        self.operations = operations
        self.detail = detail
    }
}

/// An operation that the plugin asked for, with how often.
public struct TrialOperation: Codable, Sendable, Equatable {
    public var operation: String
    public var target: String
    public var count: Int
    public var allowed: Bool

    public init(operation: String, target: String, count: Int, allowed: Bool) {
        self.operation = operation
        self.target = target
        self.count = count
        self.allowed = allowed
    }
}

/// A moment of the trial's timeline.
public struct TrialEvent: Codable, Sendable, Equatable {
    /// Milliseconds from the start of the trial.
    public var atMs: Int
    /// `start`, `call`, `operation`, `denied`, `limit`, `log` or `end`.
    public var kind: String
    public var detail: String

    public init(atMs: Int, kind: String, detail: String) {
        self.atMs = atMs
        self.kind = kind
        self.detail = detail
    }
}

/// What a version did when it really ran against the simulated application.
public struct TrialSummary: Codable, Sendable, Equatable {
    /// The isolation back end in use.
    public var backEnd: String
    /// From the request to start until the plugin's `initialize` was answered.
    public var startMs: Int
    public var memoryKiBMax: Int
    public var cpuMs: Int
    public var wallMs: Int
    public var actions: [TrialAction]
    public var operations: [TrialOperation]
    public var events: [TrialEvent]

    public init(
        backEnd: String, startMs: Int, memoryKiBMax: Int, cpuMs: Int, wallMs: Int,
        actions: [TrialAction] = [], operations: [TrialOperation] = [], events: [TrialEvent] = []
    ) {
        self.backEnd = backEnd
        self.startMs = startMs
        self.memoryKiBMax = memoryKiBMax
        self.cpuMs = cpuMs
        self.wallMs = wallMs
        self.actions = actions
        self.operations = operations
        self.events = events
    }
}

/// One signed statement of the chain from the publisher's key to the catalogue.
public struct ProofRow: Codable, Sendable, Equatable {
    /// `submission`, `scan`, `trial`, `decision`, `listing`, …
    public var statement: String
    /// Who signed: a publisher's or the marketplace's key id.
    public var keyID: String
    /// The digest of what the statement speaks about.
    public var subject: String
    /// RFC 3339.
    public var signedAt: String
    public var detail: String

    public init(statement: String, keyID: String, subject: String, signedAt: String, detail: String = "") {
        self.statement = statement
        self.keyID = keyID
        self.subject = subject
        self.signedAt = signedAt
        self.detail = detail
    }
}

/// The proof of a version.
public struct ProofInfo: Codable, Sendable, Equatable {
    public var rows: [ProofRow]
    /// Where the version stands in the log. The log's size and root grow with every listing and stand in its signed
    /// head, not on pages.
    public var logIndex: Int?

    public init(rows: [ProofRow] = [], logIndex: Int? = nil) {
        self.rows = rows
        self.logIndex = logIndex
    }
}
