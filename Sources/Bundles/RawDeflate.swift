internal import CZlib

/// DEFLATE (RFC 1951) without a frame, as zip has it: the same bytes each time for the same zlib.
enum RawDeflate {
    private static let headBytes = 2
    private static let checkBytes = 4

    /// - Parameter level: 1, fast, to 9, small.
    static func deflate(_ bytes: [UInt8], level: Int32 = 9) throws(BundleError) -> [UInt8] {
        var size = compressBound(uLong(bytes.count))
        var status = Z_OK
        let framed = [UInt8](unsafeUninitializedCapacity: Int(size)) { buffer, count in
            status = compress2(buffer.baseAddress, &size, bytes, uLong(bytes.count), level)
            count = status == Z_OK ? Int(size) : 0
        }
        guard status == Z_OK else {
            throw BundleError(.library, subject: "zlib", cause: "it gives error \(status)")
        }
        return Array(framed[headBytes..<framed.count - checkBytes])
    }
}
