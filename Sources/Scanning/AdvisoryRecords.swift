internal import Bundles

/// The records of an advisory database's export, which comes as a zip of very many small files.
public enum AdvisoryRecords {
    public static func isArchive(_ bytes: [UInt8]) -> Bool { RecordArchive.isZip(bytes) }

    /// Hands every `.json` file over, by name.
    public static func each(_ archive: [UInt8], _ body: (_ name: String, _ bytes: [UInt8]) throws -> Void)
        throws
    {
        try RecordArchive.each(archive) { name, bytes in
            if name.hasSuffix(".json") { try body(name, bytes) }
        }
    }
}
