/// The limits of one archive, counted while inflating and never taken from its headers (design §4.1).
public struct BundleLimits: Equatable, Sendable {
    /// Size of the archive itself, in bytes.
    public var inputBytesMax = 64 << 20
    /// Sum of all inflated files, nested archives included, in bytes.
    public var outputBytesMax = 256 << 20
    /// Size of one inflated file, in bytes.
    public var entryBytesMax = 16 << 20
    /// Number of entries, directories and nested archives' entries included.
    public var entriesMax = 5_000
    /// Inflated size over compressed size, applied to what exceeds `ratioFloorBytes`.
    public var ratioMax = 100
    /// Below this many inflated bytes the ratio is not judged: small files of spaces compress well and harm nobody.
    public var ratioFloorBytes = 1 << 20
    /// Length of one path, in UTF-8 bytes.
    public var pathBytesMax = 1_024
    /// Number of folders in one path.
    public var pathDepthMax = 64
    /// How many archives may lie inside one another; the bundle itself is the first.
    public var nestingMax = 3

    public init() {}

    public static let platform = BundleLimits()
}
