/// A gzip file of exactly one member (RFC 1952), inflated and checked; anything else is a problem by name.
enum GzipMember {
    static let magic: [UInt8] = [0x1F, 0x8B]

    /// - Parameter sink: takes the inflated bytes as they come: a whole archive's need not fit beside its own.
    /// - Returns: whether all of them came, and what speaks against them.
    static func read(
        _ bytes: [UInt8], limits: BundleLimits, to sink: @escaping (ArraySlice<UInt8>) -> Void
    ) -> (isWhole: Bool, problems: [ArchiveProblem]) {
        guard let start = headerEnd(bytes) else {
            return (false, [ArchiveProblem(.truncated, "the gzip header is damaged or cut short")])
        }
        // Headers, padding and long names of a tar stand beside the 256 MiB of files.
        let allowed = limits.outputBytesMax + limits.entriesMax * 2_048
        let byRatio = max(
            bytes.count.multipliedReportingOverflow(by: limits.ratioMax).partialValue, limits.ratioFloorBytes)
        let limit = min(allowed, byRatio)
        do {
            var checksum = Checksum.CRC32()
            var count = 0
            let end = try Inflate.inflate(bytes[start...], limit: limit) { chunk in
                checksum.add(chunk)
                count += chunk.count
                sink(chunk)
            }
            guard end + 8 <= bytes.count else {
                return (false, [ArchiveProblem(.truncated, "the gzip file is cut before its checksum")])
            }
            var problems: [ArchiveProblem] = []
            if UInt32(bytes.little32(end)) != checksum.value || bytes.little32(end + 4) != count {
                problems.append(ArchiveProblem(.badChecksum, "the gzip checksum does not match"))
            }
            if end + 8 < bytes.count {
                let more = bytes.starts(with: magic, at: end + 8)
                problems.append(
                    ArchiveProblem(
                        .gzipJunk,
                        more
                            ? "a second gzip member follows the first"
                            : "bytes stand behind the end of the gzip file"))
            }
            return (true, problems)
        } catch {
            switch error {
            case .truncated: return (false, [ArchiveProblem(.truncated, "the gzip file is cut short")])
            case .malformed: return (false, [ArchiveProblem(.malformed, "the gzip data is damaged")])
            case .tooLarge:
                return (
                    false,
                    [
                        limit == byRatio
                            ? ArchiveProblem(
                                .ratio, "the archive inflates to over \(limits.ratioMax) times its size")
                            : ArchiveProblem(
                                .totalSize, "the archive inflates past \(limits.outputBytesMax) bytes")
                    ]
                )
            }
        }
    }

    /// Where the compressed bytes begin, behind the optional fields.
    static func headerEnd(_ bytes: [UInt8]) -> Int? {
        guard bytes.count >= 18, bytes.starts(with: magic, at: 0), bytes[2] == 8 else { return nil }
        let flags = bytes[3]
        guard flags & 0xE0 == 0 else { return nil }
        var offset = 10
        if flags & 4 != 0 {
            guard offset + 2 <= bytes.count else { return nil }
            offset += 2 + bytes.little16(offset)
        }
        for flag in [UInt8(8), 16] where flags & flag != 0 {
            guard offset < bytes.count, let zero = bytes[offset...].firstIndex(of: 0) else { return nil }
            offset = zero + 1
        }
        if flags & 2 != 0 { offset += 2 }
        return offset < bytes.count ? offset : nil
    }
}

/// A gzip text that a program carries inside itself.
public enum Gunzip {
    /// The content of the first member, or nil where it is damaged or larger than the limit.
    public static func inflate(_ bytes: [UInt8], limit: Int) -> [UInt8]? {
        guard let start = GzipMember.headerEnd(bytes) else { return nil }
        return (try? Inflate.inflate(bytes[start...], limit: limit))?.output
    }
}
