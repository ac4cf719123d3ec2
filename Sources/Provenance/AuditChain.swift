// The audit log's line and the chain that its lines form: each line carries the SHA-256 of the line before it, the
// first line of a day that of the last line of the day before. A line that is changed, taken out or put in breaks it.
// Nodes that write into one folder have a chain each.
public import Marketplace

/// One thing that was done, or refused: a proxied operation or an administrative act. It names what was touched and
/// never holds a payload, a header or a secret.
public struct AuditLine: Hashable, Sendable {
    public var time: Instant
    public var node: String
    /// Who did it: `plugin`, `tenant`, `publisher:acme`, `reviewer:ada`, `hook`, `runtime`.
    public var actor: String
    public var tenant: TenantID?
    public var installation: String?
    public var plugin: PluginID?
    public var version: Version?
    /// What was done: an operation's name, or `install`, `update`, `remove`, …
    public var act: String
    /// The entity, workflow, host, key or route that it was about.
    public var subject: String
    /// `ok`, or the code of the refusal or failure.
    public var outcome: String
    public var milliseconds: Int64
    /// The call that it was part of.
    public var call: String?

    public init(
        time: Instant, node: String, actor: String, tenant: TenantID? = nil, installation: String? = nil,
        plugin: PluginID? = nil, version: Version? = nil, act: String, subject: String, outcome: String,
        milliseconds: Int64 = 0, call: String? = nil
    ) {
        self.time = time
        self.node = node
        self.actor = actor
        self.tenant = tenant
        self.installation = installation
        self.plugin = plugin
        self.version = version
        self.act = act
        self.subject = subject
        self.outcome = outcome
        self.milliseconds = milliseconds
        self.call = call
    }

    /// The line without its line feed.
    public func bytes(after previous: Digest) -> [UInt8] {
        var members: [String: JSONValue] = [
            "time": .string(time.description), "node": .string(node), "actor": .string(actor),
            "act": .string(act),
            "subject": .string(String(subject.prefix(512))), "outcome": .string(outcome),
            "ms": .integer(milliseconds), "previous": .string(previous.hex),
        ]
        members["tenant"] = tenant.map { .string($0.text) }
        members["installation"] = installation.map(JSONValue.string)
        members["plugin"] = plugin.map { .string($0.text) }
        members["version"] = version.map { .string($0.description) }
        members["call"] = call.map(JSONValue.string)
        return JSONValue.object(members).serializedBytes()
    }
}

/// Walks the chain.
public enum AuditChain {
    /// What the first line of all names as the one before it.
    public static let origin = Marketplace.Digest(bytes: [UInt8](repeating: 0, count: 32))!

    /// A place where the chain does not hold.
    public struct Break: Hashable, Sendable {
        public let file: String
        /// Counted from 1.
        public let line: Int
        public let cause: String

        public init(file: String, line: Int, cause: String) {
            self.file = file
            self.line = line
            self.cause = cause
        }
    }

    /// Checks the files of consecutive days, oldest first. `from` is the digest that the first line of each node must
    /// name; with nil any is taken, for a log whose oldest days are kept elsewhere.
    ///
    /// - Returns: every break, and the digest of each node's last line.
    public static func verify(
        _ files: [(name: String, bytes: [UInt8])], from start: Digest? = AuditChain.origin
    ) -> (breaks: [Break], lines: Int, last: [String: Digest]) {
        var breaks: [Break] = []
        var lines = 0
        var last: [String: Digest] = [:]
        for file in files {
            var number = 0
            for line in file.bytes.split(separator: 0x0A, omittingEmptySubsequences: true) {
                number += 1
                lines += 1
                let bytes = Array(line)
                if let value = try? JSONValue.parse(bytes) {
                    let node = value["node"]?.stringValue ?? ""
                    if let previous = last[node] ?? start, value["previous"]?.stringValue != previous.hex {
                        breaks.append(
                            Break(file: file.name, line: number, cause: "does not follow the line before"))
                    }
                    last[node] = Digest.sha256(of: bytes)
                } else {
                    breaks.append(Break(file: file.name, line: number, cause: "is no JSON"))
                }
            }
            if let end = file.bytes.last, end != 0x0A {
                breaks.append(Break(file: file.name, line: number, cause: "is cut off"))
            }
        }
        return (breaks, lines, last)
    }
}
