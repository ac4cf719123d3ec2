/// One reason to refuse an archive, by name. `Scanning` turns it into a finding of class `archive`.
public struct ArchiveProblem: Codable, Equatable, Hashable, Sendable, Comparable {
    /// Each is a rule of its own: `arc.` followed by the raw value.
    public enum Kind: String, Codable, Sendable, CaseIterable {
        case absolute
        case backslash
        case badChecksum = "bad-checksum"
        case bidirectionalName = "bidirectional-name"
        case caseTwin = "case-twin"
        case controlName = "control-name"
        case device
        case directoryData = "directory-data"
        case dotName = "dot-name"
        case driveLetter = "drive-letter"
        case duplicate
        case emptyName = "empty-name"
        case encrypted
        case entryCount = "entry-count"
        case entrySize = "entry-size"
        case fifo
        case fileAsDirectory = "file-as-directory"
        case glued
        case gzipJunk = "gzip-junk"
        case hardlink
        case headerMismatch = "header-mismatch"
        case hiddenEntry = "hidden-entry"
        case inputSize = "input-size"
        case invalidUTF8 = "invalid-utf8"
        case malformed
        case nesting
        case normalFormTwin = "normal-form-twin"
        case nulName = "nul-name"
        case overlap
        case pathDepth = "path-depth"
        case pathLength = "path-length"
        case paxGlobal = "pax-global"
        case polyglot
        case prefix
        case quine
        case ratio
        case reservedName = "reserved-name"
        case setuid
        case sizeLie = "size-lie"
        case socket
        case sparse
        case streamName = "stream-name"
        case suffix
        case symlink
        case totalSize = "total-size"
        case trailingDotOrSpace = "trailing-dot-or-space"
        case traversal
        case truncated
        case unicodePath = "unicode-path"
        case unknownFormat = "unknown-format"
        case unreadable
        case unsupported

        /// True where nothing that follows in the archive can be believed: reading stops.
        public var isFatal: Bool {
            switch self {
            case .truncated, .malformed, .unknownFormat, .inputSize, .totalSize, .entryCount, .ratio,
                .overlap,
                .polyglot, .prefix, .glued, .gzipJunk, .unsupported:
                return true
            default:
                return false
            }
        }
    }

    public let kind: Kind
    /// The entry concerned, with unprintable bytes escaped; empty for the archive as a whole.
    public let path: String
    public let message: String

    public init(_ kind: Kind, path: String = "", _ message: String) {
        self.kind = kind
        self.path = path
        self.message = message
    }

    /// The rule's name, such as `arc.traversal`.
    public var rule: String { "arc." + kind.rawValue }

    public static func < (a: ArchiveProblem, b: ArchiveProblem) -> Bool {
        (a.path, a.kind.rawValue, a.message) < (b.path, b.kind.rawValue, b.message)
    }
}
