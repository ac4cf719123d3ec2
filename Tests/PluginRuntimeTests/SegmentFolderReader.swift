import Metering

/// Looks whether every segment of a folder carries its seal.
struct SegmentFolderReader {
    let folder: String

    func allSealed() throws -> Bool {
        let segments = SegmentFolder(folder)
        let names = try segments.segments()
        return try !names.isEmpty
            && names.allSatisfy { try SegmentReader.read(segments.path(of: $0)).isSealed }
    }
}
