public import Marketplace

/// What verifying a catalogue found.
public struct VerificationReport: Hashable, Sendable {
    /// One thing that is wrong, with the file that it is wrong in.
    public struct Problem: Hashable, Sendable, CustomStringConvertible {
        public enum Kind: String, Sendable {
            /// The chain of metadata.
            case metadata
            /// A file that is not the one that was signed, or is missing.
            case file
            /// A file that nobody signed.
            case unsigned
            /// A link of a version's proof.
            case proof
            /// The transparency log.
            case log
        }

        public let kind: Kind
        /// From the site's root.
        public let path: String
        public let message: String

        public var description: String { "\(path): \(message)" }

        public var json: JSONValue {
            .object(["kind": .string(kind.rawValue), "path": .string(path), "message": .string(message)])
        }
    }

    /// In the order of the chain: metadata, files, unsigned files, log, proofs; within each by path.
    public internal(set) var problems: [Problem] = []
    public internal(set) var filesChecked = 0
    public internal(set) var bytesChecked = 0
    public internal(set) var proofsChecked = 0
    public internal(set) var logSize = 0
    public internal(set) var rootVersion: Int64?
    /// Whether the root came from outside the site. Where it did not, the report shows only that the site agrees with
    /// itself.
    public internal(set) var isPinned = false
    public internal(set) var expires: Instant?

    /// Whether everything is as it was signed.
    public var holds: Bool { problems.isEmpty }

    public var json: JSONValue {
        .object([
            "schema": "veroforge.catalogue-verification/1", "holds": .bool(holds),
            "problems": .array(problems.map(\.json)), "files": .integer(Int64(filesChecked)),
            "bytes": .integer(Int64(bytesChecked)), "proofs": .integer(Int64(proofsChecked)),
            "logSize": .integer(Int64(logSize)), "rootVersion": rootVersion.map { .integer($0) } ?? .null,
            "pinned": .bool(isPinned), "expires": expires.map { .string($0.description) } ?? .null,
        ])
    }

    mutating func add(_ kind: Problem.Kind, _ path: String, _ message: String) {
        let problem = Problem(kind: kind, path: path, message: message)
        if !problems.contains(problem) { problems.append(problem) }
    }
}
