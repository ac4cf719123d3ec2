/// One frame: nine bytes of head (length of the payload, kind, id; integers most significant byte first), then
/// the payload.
public struct Frame: Hashable, Sendable {
    public static let headBytes = 9

    public var kind: FrameKind
    /// Which call or request the frame belongs to; 0 where there is none.
    public var id: UInt32
    public var payload: [UInt8]

    public init(_ kind: FrameKind, id: UInt32 = 0, payload: [UInt8] = []) {
        self.kind = kind
        self.id = id
        self.payload = payload
    }

    /// Appends the frame's bytes.
    public func write(to bytes: inout [UInt8]) {
        bytes.reserveCapacity(bytes.count + Frame.headBytes + payload.count)
        bytes.append(bigEndian: UInt32(payload.count))
        bytes.append(kind.rawValue)
        bytes.append(bigEndian: id)
        bytes.append(contentsOf: payload)
    }

    public var bytes: [UInt8] {
        var bytes: [UInt8] = []
        write(to: &bytes)
        return bytes
    }
}

/// What a frame is. The high bit tells who sends it, so that an echo is never taken for an answer.
public enum FrameKind: UInt8, Hashable, Sendable, CaseIterable {
    // From the host.
    case hostHello = 0x01
    case file = 0x02
    case start = 0x03
    case initialize = 0x04
    case execute = 0x05
    case cleanup = 0x06
    case apiResponse = 0x07

    // From the runner.
    case runnerHello = 0x81
    case apiRequest = 0x82
    case log = 0x83
    case usage = 0x84
    case result = 0x85

    public var isFromRunner: Bool { rawValue & 0x80 != 0 }
}

extension [UInt8] {
    @inlinable
    mutating func append(bigEndian value: some FixedWidthInteger) {
        var shift = value.bitWidth - 8
        while shift >= 0 {
            append(UInt8(truncatingIfNeeded: value >> shift))
            shift -= 8
        }
    }
}

/// Reads a payload from its front; every read says whether there was enough.
struct PayloadReader {
    private let bytes: [UInt8]
    private var at: Int

    init(_ bytes: [UInt8]) {
        self.bytes = bytes
        self.at = 0
    }

    var remaining: Int { bytes.count - at }

    mutating func integer<I: FixedWidthInteger>(_ type: I.Type) throws(FrameError) -> I {
        let size = I.bitWidth / 8
        guard remaining >= size else { throw FrameError(.malformed, "a payload ends early") }
        var value: I = 0
        for _ in 0..<size {
            value =
                I(truncatingIfNeeded: UInt64(truncatingIfNeeded: value) << 8)
                | I(truncatingIfNeeded: bytes[at])
            at += 1
        }
        return value
    }

    mutating func slice(_ count: Int) throws(FrameError) -> ArraySlice<UInt8> {
        guard count >= 0, remaining >= count else { throw FrameError(.malformed, "a payload ends early") }
        defer { at += count }
        return bytes[at..<at + count]
    }

    /// UTF-8 text; ill-formed bytes are an error, not replaced.
    mutating func text(_ count: Int) throws(FrameError) -> String {
        let slice = try slice(count)
        guard let text = String(validating: slice, as: UTF8.self) else {
            throw FrameError(.malformed, "text that is not UTF-8")
        }
        return text
    }

    mutating func rest() -> [UInt8] {
        defer { at = bytes.count }
        return at == 0 ? bytes : Array(bytes[at...])
    }

    func end() throws(FrameError) {
        guard remaining == 0 else { throw FrameError(.malformed, "a payload has bytes left over") }
    }
}
