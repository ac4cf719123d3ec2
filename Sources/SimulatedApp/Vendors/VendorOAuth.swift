import FoundationEssentials
import Marketplace

/// The token endpoint of a vendor, as its stand-in has it: refresh tokens rotate, and one that was used before is
/// refused. Until the first refresh any bearer token is taken; from then on only those that were given out.
struct VendorOAuth {
    private var given: Set<String> = []
    private var refresh: String?
    private var count = 0

    /// Answers `POST <token endpoint>`; a violation where the vendor would say `invalid_request`.
    mutating func token(_ request: VendorRequest, _ violations: inout [String]) -> VendorAnswer {
        guard request.method == "POST", request.headers["authorization"]?.hasPrefix("Basic ") == true else {
            violations.append("the token endpoint takes a POST with the client's credentials")
            return VendorAnswer(status: 401, json: ["error": "invalid_client"])
        }
        guard let fields = request.fields, Set(fields.keys) == ["grant_type", "refresh_token"],
            fields["grant_type"] == "refresh_token", let old = fields["refresh_token"]?.stringValue,
            !old.isEmpty
        else {
            violations.append("the token endpoint takes grant_type=refresh_token and refresh_token")
            return VendorAnswer(status: 400, json: ["error": "invalid_request"])
        }
        guard refresh == nil || refresh == old else {
            return VendorAnswer(status: 400, json: ["error": "invalid_grant"])
        }
        count += 1
        let access = "sample-access-\(count)"
        let next = "sample-refresh-\(count)"
        given.insert(access)
        refresh = next
        return VendorAnswer(json: [
            "access_token": .string(access), "refresh_token": .string(next), "token_type": "bearer",
            "expires_in": 3_600,
        ])
    }

    /// Whether the request carries a bearer token that counts.
    func admits(_ request: VendorRequest) -> Bool {
        guard let header = request.headers["authorization"], header.hasPrefix("Bearer ") else { return false }
        let token = String(header.dropFirst(7))
        return !token.isEmpty && (given.isEmpty || given.contains(token))
    }
}

extension VendorRequest {
    /// The path's steps, decoded.
    var steps: [String] { path.split(separator: "/").map(String.init) }
    /// The last value of a query item.
    func queryValue(_ name: String) -> String? { query.last { $0.name == name }?.value }
    /// What of the query is not among the names.
    func unknownQuery(_ known: Set<String>) -> [String] {
        query.map(\.name).filter { !known.contains($0) }.sorted()
    }
}

/// A number with its leading zeros: what vendors' sample identifiers are made of.
func padded(_ number: Int, _ digits: Int) -> String {
    let text = String(number)
    return String(repeating: "0", count: max(0, digits - text.count)) + text
}
