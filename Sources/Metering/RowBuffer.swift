internal import Glibc

/// Rows of a CSV, put together from cells that are already text.
struct RowBuffer: ~Copyable {
    /// Texts as cells, each with its comma, one behind the other.
    struct Cells {
        fileprivate var bytes: [UInt8] = []
        fileprivate var starts: [Int] = [0]

        init(_ texts: [String]) {
            for text in texts {
                bytes += CSV.cell(text)
                bytes.append(UInt8(ascii: ","))
                starts.append(bytes.count)
            }
        }
    }

    private static let fullAt = 4 << 20
    // SAFETY: this value's own memory; `reserve` goes before each write.
    private var bytes: UnsafeMutablePointer<UInt8>
    private var capacity = RowBuffer.fullAt + (64 << 10)
    private var count = 0

    init(_ head: [UInt8]) {
        bytes = .allocate(capacity: capacity)
        reserve(head.count)
        for byte in head {
            bytes[count] = byte
            count += 1
        }
    }

    deinit { bytes.deallocate() }

    var isFull: Bool { count > RowBuffer.fullAt }

    @inline(__always)
    mutating func append(_ cells: borrowing Cells, _ index: Int) {
        let start = cells.starts[index]
        let length = cells.starts[index + 1] - start
        reserve(length)
        cells.bytes.withUnsafeBufferPointer {
            _ = memcpy(bytes + count, $0.baseAddress! + start, length)
        }
        count += length
    }

    /// The last cell and the line feed.
    @inline(__always)
    mutating func end(_ number: Int64) {
        reserve(32)
        var left = number.magnitude
        // Twenty digits and a sign, written from behind.
        var at = 24
        repeat {
            at -= 1
            bytes[count + at] = UInt8(truncatingIfNeeded: left % 10) + 0x30
            left /= 10
        } while left > 0
        if number < 0 {
            at -= 1
            bytes[count + at] = UInt8(ascii: "-")
        }
        memmove(bytes + count, bytes + count + at, 24 - at)
        count += 24 - at
        bytes[count] = 0x0A
        count += 1
    }

    /// What was written so far; the buffer is empty then.
    mutating func take() -> [UInt8] {
        defer { count = 0 }
        return Array(UnsafeBufferPointer(start: bytes, count: count))
    }

    @inline(__always)
    private mutating func reserve(_ more: Int) {
        if count + more <= capacity { return }
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: (count + more) * 2)
        larger.update(from: bytes, count: count)
        bytes.deallocate()
        (bytes, capacity) = (larger, (count + more) * 2)
    }
}
