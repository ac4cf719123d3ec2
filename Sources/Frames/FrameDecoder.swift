/// The largest payloads of each kind of frame that a side accepts, in bytes.
public struct FrameLimits: Hashable, Sendable {
    /// A bundle's file, with its path.
    public var fileBytesMax: Int
    /// What a call hands in, and what the host answers to an operation.
    public var inputBytesMax: Int
    /// What a plugin answers.
    public var outputBytesMax: Int
    /// The arguments of one operation.
    public var requestBytesMax: Int
    /// One log line.
    public var logLineBytesMax: Int
    /// All log lines of one call, as the runner counts; the host ends it at twice that.
    public var logBytesMax: Int
    /// Requests that wait for an answer at one time.
    public var waitingMax: Int

    public init(
        fileBytesMax: Int = 17 << 20, inputBytesMax: Int = 8 << 20, outputBytesMax: Int = 4 << 20,
        requestBytesMax: Int = 4 << 20, logLineBytesMax: Int = 8 << 10, logBytesMax: Int = 256 << 10,
        waitingMax: Int = 64
    ) {
        self.fileBytesMax = fileBytesMax
        self.inputBytesMax = inputBytesMax
        self.outputBytesMax = outputBytesMax
        self.requestBytesMax = requestBytesMax
        self.logLineBytesMax = logLineBytesMax
        self.logBytesMax = logBytesMax
        self.waitingMax = waitingMax
    }

    /// The largest payload of a kind, its fixed fields included.
    public func payloadBytesMax(_ kind: FrameKind) -> Int {
        switch kind {
        case .hostHello, .usage: 64
        case .runnerHello: 256
        case .file: fileBytesMax
        case .start, .execute, .apiResponse: inputBytesMax + 128
        case .initialize, .cleanup: 64
        case .apiRequest: requestBytesMax + 256
        case .log: logLineBytesMax + 1
        case .result: outputBytesMax + 64
        }
    }
}

/// Which side's frames a decoder accepts.
public enum FrameSender: Hashable, Sendable {
    case host, runner
}

/// Cuts a stream of bytes into frames. A length is checked before a byte of its payload is kept, so a peer can
/// make the decoder hold no more than one largest frame.
public struct FrameDecoder: Sendable {
    public let sender: FrameSender
    public private(set) var limits: FrameLimits
    private var buffer: [UInt8] = []
    private var start = 0

    public init(from sender: FrameSender, limits: FrameLimits) {
        self.sender = sender
        self.limits = limits
    }

    /// Bytes that are held back because their frame is not whole yet.
    public var heldBytes: Int { buffer.count - start }

    public mutating func append(_ bytes: UnsafeRawBufferPointer) {
        if start == buffer.count {
            buffer.removeAll(keepingCapacity: buffer.capacity <= 1 << 16)
            start = 0
        } else if start > 1 << 16 {
            buffer.removeFirst(start)
            start = 0
        }
        buffer.append(contentsOf: bytes)
    }

    public mutating func append(_ bytes: [UInt8]) {
        bytes.withUnsafeBytes { append($0) }
    }

    /// The next whole frame, or `nil` where more bytes are needed.
    public mutating func next() throws(FrameError) -> Frame? {
        guard heldBytes >= Frame.headBytes else { return nil }
        let length = Int(word(at: start))
        guard let kind = FrameKind(rawValue: buffer[start + 4]), kind.isFromRunner == (sender == .runner)
        else {
            throw FrameError(.unknownKind, "kind \(buffer[start + 4])")
        }
        guard length <= limits.payloadBytesMax(kind) else {
            throw FrameError(.tooLong, "\(kind) of \(length) bytes")
        }
        guard heldBytes >= Frame.headBytes + length else { return nil }
        let id = word(at: start + 5)
        let from = start + Frame.headBytes
        let frame = Frame(kind, id: id, payload: Array(buffer[from..<from + length]))
        start = from + length
        return frame
    }

    private func word(at index: Int) -> UInt32 {
        UInt32(buffer[index]) << 24 | UInt32(buffer[index + 1]) << 16 | UInt32(buffer[index + 2]) << 8
            | UInt32(buffer[index + 3])
    }
}
