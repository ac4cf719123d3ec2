public import Marketplace
import Synchronization

/// A strict, stateful stand-in of a QuickBooks Online company: customers, invoices, payments, changes, reports, and
/// the token endpoint. It honours request ids and refuses stale sync tokens and double names, as QuickBooks does.
public final class QuickBooksStandIn: VendorStandIn {
    private struct State {
        var tables: [String: [[String: JSONValue]]] = ["Customer": [], "Invoice": [], "Payment": []]
        var seen: [String: VendorAnswer] = [:]
        var nextID = 1
        var oauth = VendorOAuth()
        var violations: [String] = []
    }

    public let name = "quickbooks"
    public let hosts = [
        "quickbooks.api.intuit.com", "sandbox-quickbooks.api.intuit.com", "oauth.platform.intuit.com",
    ]
    private static let entities = ["customer": "Customer", "invoice": "Invoice", "payment": "Payment"]
    private let state = Mutex(State())

    public init() {}

    public var violations: [String] { state.withLock { $0.violations } }
    /// The records of `Customer`, `Invoice` or `Payment`.
    public func records(of entity: String) -> [JSONValue] {
        state.withLock { ($0.tables[entity] ?? []).map(JSONValue.object) }
    }

    public func answer(_ request: VendorRequest) -> VendorAnswer {
        state.withLock { state in
            if request.host == "oauth.platform.intuit.com" {
                guard request.path == "/oauth2/v1/tokens/bearer" else { return Self.unknown(request, &state) }
                return state.oauth.token(request, &state.violations)
            }
            guard state.oauth.admits(request) else {
                if request.headers["authorization"] == nil {
                    state.violations.append("\(request.path): no bearer token")
                }
                return Self.fault(401, "3200", "message=ApplicationAuthenticationFailed", "token expired")
            }
            let steps = request.steps
            guard steps.count >= 4, steps[0] == "v3", steps[1] == "company", Int64(steps[2]) != nil,
                request.queryValue("minorversion") != nil
            else { return Self.unknown(request, &state) }
            return Self.company(steps[3], steps.count > 4 ? steps[4] : nil, request, &state)
        }
    }

    private static func company(
        _ resource: String, _ id: String?, _ request: VendorRequest, _ state: inout State
    ) -> VendorAnswer {
        let entity = entities[resource]
        switch (request.method, resource) {
        case ("POST", _):
            guard let entity, id == nil, request.unknownQuery(["minorversion", "requestid"]).isEmpty else {
                return unknown(request, &state)
            }
            guard let key = request.queryValue("requestid"), (1...50).contains(key.utf8.count) else {
                state.violations.append("POST \(resource): no requestid")
                return fault(400, "2010", "Request has invalid or unsupported property", "requestid")
            }
            if let before = state.seen[key] { return before }
            let answer = write(entity, request, &state)
            state.seen[key] = answer
            return answer
        case ("GET", "query"): return query(request, &state)
        case ("GET", "cdc"):
            guard request.queryValue("changedSince") != nil,
                request.unknownQuery(["entities", "changedSince", "minorversion"]).isEmpty
            else { return unknown(request, &state) }
            let asked = Set((request.queryValue("entities") ?? "").split(separator: ",").map(String.init))
            let parts = state.tables.filter { asked.contains($0.key) && !$0.value.isEmpty }
                .sorted { $0.key < $1.key }
                .map { JSONValue.object([$0.key: .array($0.value.map(JSONValue.object))]) }
            return VendorAnswer(json: ["CDCResponse": [["QueryResponse": .array(parts)]]])
        case ("GET", "reports"):
            guard let id else { return unknown(request, &state) }
            return report(id, request, &state)
        case ("GET", _):
            guard let entity, let id else { return unknown(request, &state) }
            guard let record = state.tables[entity]?.first(where: { $0["Id"] == .string(id) }) else {
                return fault(
                    404, "610", "Object Not Found", "Something you're trying to use has been made inactive")
            }
            return VendorAnswer(json: .object([entity: .object(record)]))
        default: return unknown(request, &state)
        }
    }

    private static let known: [String: (required: Set<String>, all: Set<String>)] = [
        "Customer": (
            ["DisplayName"], ["DisplayName", "PrimaryEmailAddr", "PrimaryPhone", "Id", "SyncToken", "sparse"]
        ),
        "Invoice": (
            ["CustomerRef", "Line"],
            ["CustomerRef", "CurrencyRef", "DocNumber", "TxnDate", "DueDate", "PrivateNote", "Line"]
        ),
        "Payment": (
            ["CustomerRef", "TotalAmt"],
            ["CustomerRef", "CurrencyRef", "TotalAmt", "TxnDate", "PaymentRefNum", "Line"]
        ),
    ]

    private static func write(
        _ entity: String, _ request: VendorRequest, _ state: inout State
    ) -> VendorAnswer {
        guard let fields = request.fields, let names = known[entity],
            request.headers["content-type"] == "application/json"
        else {
            state.violations.append("POST \(entity): the body is no JSON object")
            return fault(400, "2010", "Request has invalid or unsupported property", entity)
        }
        let unknown = fields.keys.filter { !names.all.contains($0) }.sorted()
        let missing = names.required.filter { fields[$0] == nil }.sorted()
        guard unknown.isEmpty, missing.isEmpty else {
            state.violations.append("\(entity): unknown \(unknown), missing \(missing)")
            return fault(400, "2010", "Request has invalid or unsupported property", "\(unknown + missing)")
        }
        if let id = fields["Id"] { return change(entity, id, fields, &state) }
        if entity == "Customer",
            state.tables[entity]?.contains(where: { $0["DisplayName"] == fields["DisplayName"] }) == true
        {
            return fault(400, "6240", "Duplicate Name Exists Error", "The name supplied already exists.")
        }
        if let customer = fields["CustomerRef"]?["value"],
            state.tables["Customer"]?.contains(where: { $0["Id"] == customer }) != true
        {
            return fault(400, "2500", "Invalid Reference Id", "CustomerRef")
        }
        var record = fields
        record["Id"] = .string("\(state.nextID)")
        record["SyncToken"] = "0"
        record["domain"] = "QBO"
        record["sparse"] = false
        if entity == "Invoice" {
            let amount = fields["Line"]?.arrayValue?.first?["Amount"] ?? 0
            record["TotalAmt"] = amount
            record["Balance"] = amount
        }
        if entity == "Payment", let refusal = apply(fields, &state) { return refusal }
        state.nextID += 1
        state.tables[entity, default: []].append(record)
        return VendorAnswer(json: .object([entity: .object(record)]))
    }

    private static func change(
        _ entity: String, _ id: JSONValue, _ fields: [String: JSONValue], _ state: inout State
    ) -> VendorAnswer {
        guard let index = state.tables[entity]?.firstIndex(where: { $0["Id"] == id }) else {
            return fault(400, "610", "Object Not Found", "no such record")
        }
        let old = state.tables[entity]![index]
        guard old["SyncToken"] == fields["SyncToken"] else {
            return fault(400, "5010", "Stale Object Error", "someone else changed it")
        }
        var record = old.merging(fields) { $1 }
        record["sparse"] = false
        record["SyncToken"] = .string("\((Int(old["SyncToken"]?.stringValue ?? "0") ?? 0) + 1)")
        state.tables[entity]![index] = record
        return VendorAnswer(json: .object([entity: .object(record)]))
    }

    /// Takes a payment's lines off the invoices that they are linked to.
    private static func apply(_ payment: [String: JSONValue], _ state: inout State) -> VendorAnswer? {
        for line in payment["Line"]?.arrayValue ?? [] {
            let linked = line["LinkedTxn"]?.arrayValue?.first
            guard linked?["TxnType"] == "Invoice",
                let index = state.tables["Invoice"]?.firstIndex(where: { $0["Id"] == linked?["TxnId"] })
            else { return fault(400, "610", "Object Not Found", "the invoice") }
            let balance = state.tables["Invoice"]![index]["Balance"]?.doubleValue ?? 0
            let rest = ((balance - (line["Amount"]?.doubleValue ?? 0)) * 100).rounded() / 100
            guard rest >= 0 else { return fault(400, "6540", "Deposit amount too large", "Amount") }
            state.tables["Invoice"]![index]["Balance"] = .number(rest)
        }
        return nil
    }

    /// `select * from Customer where DisplayName = '…'`, the one query that is spoken here.
    private static func query(_ request: VendorRequest, _ state: inout State) -> VendorAnswer {
        let start = "select * from Customer where DisplayName = '"
        guard let text = request.queryValue("query"), text.hasPrefix(start), text.hasSuffix("'"),
            request.unknownQuery(["query", "minorversion"]).isEmpty
        else {
            state.violations.append("the query \(request.queryValue("query") ?? "") is not understood")
            return fault(400, "4000", "Error parsing query", "query")
        }
        var name = ""
        var isEscaped = false
        for character in text.dropFirst(start.count).dropLast() {
            if character == "\\", !isEscaped {
                isEscaped = true
            } else {
                name.append(character)
                isEscaped = false
            }
        }
        let found = (state.tables["Customer"] ?? []).filter { $0["DisplayName"] == .string(name) }
        return VendorAnswer(json: [
            "QueryResponse": found.isEmpty ? [:] : ["Customer": .array(found.map(JSONValue.object))]
        ])
    }

    private static func report(_ name: String, _ request: VendorRequest, _ state: inout State) -> VendorAnswer
    {
        guard ["ProfitAndLoss", "BalanceSheet", "AgedReceivables"].contains(name),
            request.unknownQuery(["minorversion", "start_date", "end_date", "report_date"]).isEmpty
        else { return unknown(request, &state) }
        let cents = (state.tables["Invoice"] ?? []).reduce(0) {
            $0 + Int((($1["TotalAmt"]?.doubleValue ?? 0) * 100).rounded())
        }
        let amount = "\(cents / 100).\(padded(cents % 100, 2))"
        func columns(_ label: String, _ value: String) -> JSONValue {
            ["ColData": [["value": .string(label)], ["value": .string(value)]]]
        }
        return VendorAnswer(json: [
            "Header": ["ReportName": .string(name), "Currency": "USD"],
            "Rows": [
                "Row": [
                    [
                        "type": "Section", "Header": columns("Income", ""),
                        "Rows": [
                            "Row": [
                                [
                                    "type": "Data",
                                    "ColData": [["value": "Services"], ["value": .string(amount)]],
                                ]
                            ]
                        ], "Summary": columns("Total Income", amount),
                    ]
                ]
            ],
        ])
    }

    private static func unknown(_ request: VendorRequest, _ state: inout State) -> VendorAnswer {
        state.violations.append("unknown \(request.method) \(request.host)\(request.path)")
        return fault(404, "120", "Authorization Failure", "no such resource")
    }

    private static func fault(
        _ status: Int, _ code: String, _ message: String, _ detail: String
    ) -> VendorAnswer {
        VendorAnswer(
            status: status,
            json: [
                "Fault": [
                    "Error": [
                        ["code": .string(code), "Message": .string(message), "Detail": .string(detail)]
                    ], "type": "ValidationFault",
                ]
            ])
    }
}
