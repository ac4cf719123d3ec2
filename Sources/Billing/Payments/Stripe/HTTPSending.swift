/// One HTTP exchange. Billing opens no connection itself: whoever runs the night hands the sender down.
public protocol HTTPSending: Sendable {
    /// The status and body of the answer; nil where no whole answer came, so that nobody knows what happened.
    func send(_ request: HTTPExchange) -> (status: Int, body: [UInt8])?
}

public struct HTTPExchange: Sendable, Hashable {
    public let method: String
    /// Absolute.
    public let url: String
    public let headers: [String: String]
    public let body: [UInt8]

    public init(method: String, url: String, headers: [String: String], body: [UInt8] = []) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
    }
}
