/// Why a peer's bytes are not acceptable. The connection is of no use afterwards: the peer is ended.
public struct FrameError: Error, Hashable, Sendable {
    public enum Code: String, Hashable, Sendable {
        /// A frame is longer than its kind may be.
        case tooLong
        /// The kind is unknown, or not one that this side may send.
        case unknownKind
        /// The payload is not what its kind says.
        case malformed
        /// The frame is a known one at a moment when it may not come.
        case outOfOrder
        /// The frame answers something that was never asked.
        case unknownID
        /// An id is used twice.
        case duplicateID
        /// More requests are waiting for an answer than may wait.
        case tooManyWaiting
        /// More operations in one call than its budget allows.
        case tooManyOperations
        /// More log lines or bytes in one call than its limits allow, twice over.
        case tooMuchLog
        /// No version of the protocol is spoken by both sides.
        case version
    }

    public let code: Code
    /// What it was about, for people.
    public let subject: String

    public init(_ code: Code, _ subject: String) {
        self.code = code
        self.subject = subject
    }
}
