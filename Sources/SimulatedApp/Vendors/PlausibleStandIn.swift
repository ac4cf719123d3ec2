import Marketplace
import Synchronization

/// Answers for any host that no strict stand-in knows, in the way most JSON APIs do: a list for a collection that
/// is read, the sent object with an id for what is created. A trial of a stranger's plugin goes on instead of
/// ending at its first request.
public final class PlausibleStandIn: VendorStandIn {
    public let name = "plausible"
    public let hosts: [String]
    private let count = Mutex(0)

    public init(hosts: [String]) {
        self.hosts = hosts
    }

    /// It knows no contract, so it never finds a violation.
    public var violations: [String] { [] }

    public func answer(_ request: VendorRequest) -> VendorAnswer {
        let number = count.withLock { count in
            count += 1
            return count
        }
        let id = "sample_" + String(number)
        switch request.method {
        case "GET", "HEAD":
            return VendorAnswer(json: [
                "id": .string(id), "object": "list", "data": [], "has_more": false, "ok": true,
            ])
        case "DELETE": return VendorAnswer(json: ["id": .string(id), "deleted": true, "ok": true])
        default:
            var fields = request.fields ?? [:]
            fields["id"] = fields["id"] ?? .string(id)
            fields["ok"] = true
            fields["status"] = fields["status"] ?? "accepted"
            return VendorAnswer(status: request.method == "POST" ? 201 : 200, json: .object(fields))
        }
    }
}
