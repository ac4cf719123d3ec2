/// A file of a site, by its path below the site's root.
public struct SiteFile: Sendable, Equatable {
    /// What the file holds.
    public enum Contents: Sendable, Equatable {
        case bytes([UInt8])
        /// A file on this machine that is linked, or copied where it cannot be. Its digest (64 hexadecimal digits)
        /// is taken as given where the caller knows it.
        case file(path: String, sha256: String?)
    }

    public var path: String
    public var contents: Contents

    public init(path: String, contents: Contents) {
        self.path = path
        self.contents = contents
    }

    /// A file of bytes.
    public init(_ path: String, _ bytes: [UInt8]) {
        self.init(path: path, contents: .bytes(bytes))
    }

    /// A file of text.
    public init(_ path: String, text: String) {
        self.init(path, Array(text.utf8))
    }

    /// The bytes of a file that is not on the disk; none of one that is.
    public var content: [UInt8] { bytes }

    var bytes: [UInt8] {
        if case .bytes(let bytes) = contents { return bytes }
        return []
    }
}

/// What is known of a written file.
public struct SiteFileRecord: Sendable, Equatable, Codable {
    /// 64 hexadecimal digits.
    public var sha256: String
    public var bytes: Int

    public init(sha256: String, bytes: Int) {
        self.sha256 = sha256
        self.bytes = bytes
    }
}
