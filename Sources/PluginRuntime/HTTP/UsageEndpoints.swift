import Marketplace
import Metering
import Registry

/// Usage of a tenant and of a publisher's plugins, counted from the segments as billing counts them.
struct UsageEndpoints: Sendable {
    let usage: String
    let clock: RuntimeClock

    var all: [Endpoint] { [ofTenant, ofPublisher] }

    private static let days = [
        Endpoint.Parameter(
            name: "from", schema: ["type": "string", "format": "date"],
            description: "first day, UTC; the month's first; at most 400 days are told"),
        Endpoint.Parameter(
            name: "to", schema: ["type": "string", "format": "date"], description: "last day, UTC; today"),
    ]
    private static let daysMax = 400

    private static func schema(_ columns: [String]) -> JSONValue {
        var properties = Dictionary(
            uniqueKeysWithValues: columns.map { ($0, ["type": "string"] as JSONValue) })
        properties["quantity"] = ["type": "integer"]
        return Schemas.object(
            [
                "from": ["type": "string"], "to": ["type": "string"],
                "rows": Schemas.list(
                    Schemas.object(properties, required: columns + ["quantity"]), max: 1_000_000),
            ], required: ["from", "to", "rows"])
    }

    private var ofTenant: Endpoint {
        Endpoint(
            method: "GET", path: "/v1/tenants/{tenant}/usage", id: "tenantUsage",
            summary: "What the tenant has used, by day, plugin and metric", access: .tenant, query: Self.days,
            success: Endpoint.Success(
                description: "Rows, sorted", schema: Self.schema(["day", "plugin", "metric"]))
        ) { asked throws(RuntimeError) in
            let tenant = try asked.tenant().text
            return try await answer(asked) { row in
                row.tenant == tenant
                    ? ["day": row.day.description, "plugin": row.plugin, "metric": row.metric] : nil
            }
        }
    }

    private var ofPublisher: Endpoint {
        Endpoint(
            method: "GET", path: "/v1/publishers/{publisher}/usage", id: "publisherUsage",
            summary: "How the publisher's plugins are used, over all tenants", access: .publisher,
            query: Self.days,
            success: Endpoint.Success(
                description: "Rows, sorted", schema: Self.schema(["day", "plugin", "metric"]))
        ) { asked throws(RuntimeError) in
            let prefix = try asked.publisher().text + "."
            return try await answer(asked) { row in
                row.plugin.hasPrefix(prefix)
                    ? ["day": row.day.description, "plugin": row.plugin, "metric": row.metric] : nil
            }
        }
    }

    /// Adds up the rows that `columns` keeps, by the columns it gives.
    private func answer(
        _ asked: EndpointRequest, columns: @escaping @Sendable (RollUpRow) -> [String: String]?
    ) async throws(RuntimeError) -> APIResponse {
        let today = clock.now().day
        let to = asked.request.parameter("to").flatMap { Day($0) } ?? today
        let asksFrom = asked.request.parameter("from").flatMap { Day($0) } ?? to.period.firstDay
        // A longer time is cut; the answer says from when it speaks.
        let from = max(asksFrom, to.adding(days: 1 - Self.daysMax))
        let folder = SegmentFolder(usage)
        let rows = try await blocking { () -> [RollUpRow] in
            // An event that came late stands in the segment of a later day.
            let names = try folder.segments().filter { $0.day >= from && $0.day <= to.adding(days: 3) }
            return try RollUp().run(names.map { RollUp.Source(folder.path(of: $0)) }).rows()
        }
        var sums: [[String: String]: Int64] = [:]
        for row in rows where row.day >= from && row.day <= to {
            if let key = columns(row) { sums[key, default: 0] += row.quantity }
        }
        let documents = sums.map { columns, quantity -> JSONValue in
            var members = columns.mapValues(JSONValue.string)
            members["quantity"] = .integer(quantity)
            return .object(members)
        }
        let sorted = documents.map { ($0.serialized(), $0) }.sorted { $0.0 < $1.0 }.map(\.1)
        return .json([
            "from": .string(from.description), "to": .string(to.description), "rows": .array(sorted),
        ])
    }
}
