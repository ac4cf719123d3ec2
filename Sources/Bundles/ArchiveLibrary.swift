internal import CArchive

#if canImport(Glibc)
    internal import Glibc
#endif

/// libarchive behind a small face: zip (by its central directory) and tar alone, from memory, entry by entry.
///
/// Nothing is ever written to a disk: an entry's bytes come back as an array and its path as data.
final class ArchiveLibrary {
    struct Header {
        /// Nil where libarchive cannot give the name in UTF-8.
        var name: [UInt8]?
        var isFolder: Bool
        var isRegular: Bool
        var declaredBytes: Int?
        var isEncrypted: Bool
    }

    enum Kind { case zip, tar, tarGzip }
    enum Step {
        case entry(Header)
        case end
        case failed(String)
    }
    enum Data {
        case whole([UInt8])
        case tooLarge
        case failed(String)
    }

    private let handle: OpaquePointer
    private let before: locale_t?

    /// In the C locale libarchive gives no name that is not ASCII. Made once, before a worker loses its file system.
    private struct Locale: @unchecked Sendable {
        // SAFETY: a locale object is never changed after `newlocale` made it.
        let value: locale_t?
    }

    private static let locale = Locale(value: newlocale(Int32(LC_CTYPE_MASK), "C.UTF-8", nil))

    /// Loads what must come from a file.
    static func prepare() { _ = locale.value }

    /// - Parameter bytes: what must stay where it is for as long as this reads.
    // SAFETY: its only caller holds the array's buffer for longer than the reader.
    init(_ bytes: UnsafeRawBufferPointer, kind: Kind) throws(BundleError) {
        guard let handle = archive_read_new() else {
            throw BundleError(.library, subject: "libarchive", cause: "no memory for a reader")
        }
        self.handle = handle
        before = Self.locale.value.map { uselocale($0) } ?? nil
        switch kind {
        case .zip: archive_read_support_format_zip_seekable(handle)
        case .tar: archive_read_support_format_tar(handle)
        case .tarGzip:
            archive_read_support_filter_gzip(handle)
            archive_read_support_format_tar(handle)
        }
        guard archive_read_open_memory(handle, bytes.baseAddress, bytes.count) == ARCHIVE_OK else {
            throw BundleError(.library, subject: "libarchive", cause: Self.message(handle))
        }
    }

    deinit {
        archive_read_free(handle)
        if let before { uselocale(before) }
    }

    private static func message(_ handle: OpaquePointer) -> String {
        archive_error_string(handle).map { String(cString: $0) } ?? "unknown error"
    }

    func next() -> Step {
        var entry: OpaquePointer?
        switch archive_read_next_header(handle, &entry) {
        case ARCHIVE_EOF: return .end
        case ARCHIVE_OK, ARCHIVE_WARN: break
        default: return .failed(Self.message(handle))
        }
        guard let entry else { return .failed("no entry") }
        let name = archive_entry_pathname_utf8(entry) ?? archive_entry_pathname(entry)
        let type = archive_entry_filetype(entry)
        return .entry(
            Header(
                name: name.map { Array(UnsafeRawBufferPointer(start: $0, count: strlen($0))) },
                isFolder: type == 0o040000, isRegular: type == 0o100000 || type == 0,
                declaredBytes: archive_entry_size_is_set(entry) != 0 ? Int(archive_entry_size(entry)) : nil,
                isEncrypted: archive_entry_is_encrypted(entry) != 0))
    }

    /// The bytes of the current entry, counted as they come.
    func read(limit: Int) -> Data {
        var output: [UInt8] = []
        let chunk = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 16, alignment: 16)
        defer { chunk.deallocate() }
        while true {
            let count = archive_read_data(handle, chunk.baseAddress, chunk.count)
            if count == 0 { return .whole(output) }
            if count < 0 { return .failed(Self.message(handle)) }
            if output.count + count > limit { return .tooLarge }
            output.append(contentsOf: chunk[0..<count])
        }
    }
}
