import Accounts
import Billing
import FoundationEssentials
import Marketplace
import Registry

/// A tenant's own matters besides its installations: its tokens and its bills.
struct AccountEndpoints: Sendable {
    let registry: Registry
    let books: AccountBooks
    let clock: RuntimeClock

    var all: [Endpoint] { [tokens, issue, revoke, invoices, invoice, preview] }

    private static let base = "/v1/tenants/{tenant}"

    // MARK: Tokens

    private static let token = Schemas.object(
        [
            "id": Schemas.text("the token's public name", max: 64), "issuedAt": Schemas.time,
            "token": Schemas.text("the token; only in the answer that makes it"),
            "expiresAt": ["type": ["string", "null"]], "revokedAt": ["type": ["string", "null"]],
        ], required: ["id", "issuedAt"])

    private static func document(_ record: TokenRecord) -> [String: JSONValue] {
        [
            "id": .string(record.id), "issuedAt": .string(record.issuedAt.description),
            "expiresAt": record.expiresAt.map { .string($0.description) } ?? .null,
            "revokedAt": record.revokedAt.map { .string($0.description) } ?? .null,
        ]
    }

    private var tokens: Endpoint {
        Endpoint(
            method: "GET", path: Self.base + "/tokens", id: "listTokens",
            summary: "The tenant's tokens, without their secrets", access: .tenant,
            success: Endpoint.Success(
                description: "The tokens, oldest first",
                schema: Schemas.object(["tokens": Schemas.list(Self.token)], required: ["tokens"]))
        ) { [registry] asked throws(RuntimeError) in
            let tenant = try asked.tenant()
            let rows = try await blocking { try registry.tokens(of: .tenant(tenant)) }
            return .json(["tokens": .array(rows.map { .object(Self.document($0)) })])
        }
    }

    private var issue: Endpoint {
        Endpoint(
            method: "POST", path: Self.base + "/tokens", id: "issueToken",
            summary: "Makes another token of the tenant; it is shown in this answer and never again",
            access: .tenant, body: .json(["type": ["object", "null"], "additionalProperties": false]),
            success: Endpoint.Success(status: 201, description: "The token", schema: Self.token)
        ) { [registry, clock] asked throws(RuntimeError) in
            let tenant = try asked.tenant()
            let now = clock.now()
            let made = try await blocking { try registry.issueToken(for: .tenant(tenant), now: now) }
            var document = Self.document(made.record)
            document["token"] = .string(made.token)
            return .json(.object(document), status: 201)
        }
    }

    private var revoke: Endpoint {
        Endpoint(
            method: "DELETE", path: Self.base + "/tokens/{token}", id: "revokeToken",
            summary: "Revokes a token of the tenant; within seconds nothing takes it any more",
            access: .tenant,
            success: Endpoint.Success(status: 204, description: "Revoked", type: "")
        ) { [registry, clock] asked throws(RuntimeError) in
            let tenant = try asked.tenant()
            let id = asked.parameters["token"] ?? ""
            let now = clock.now()
            try await blocking {
                // Another tenant's token is not there for this one.
                guard try registry.tokens(of: .tenant(tenant)).contains(where: { $0.id == id }) else {
                    throw RuntimeError(.notFound, id, "is no token of this tenant")
                }
                try registry.revokeToken(id, now: now)
            }
            return APIResponse(status: 204)
        }
    }

    // MARK: Bills

    private static func list(_ name: String, _ description: String) -> JSONValue {
        Schemas.object(
            [name: Schemas.list(["type": "object", "description": .string(description)], max: 10_000)],
            required: [name])
    }

    private var invoices: Endpoint {
        Endpoint(
            method: "GET", path: Self.base + "/invoices", id: "listInvoices",
            summary: "The tenant's invoices, newest first", access: .tenant,
            success: Endpoint.Success(
                description: "The invoices, each as it was issued",
                schema: Self.list("invoices", "an invoice, as billing/<period>/invoices has it"))
        ) { [books] asked throws(RuntimeError) in
            let tenant = try asked.tenant()
            let values = try await BooksWork.run { try books.invoices(of: tenant).map(\.value) }
            return .json(["invoices": .array(try values.map(BooksWork.document))])
        }
    }

    private var invoice: Endpoint {
        Endpoint(
            method: "GET", path: Self.base + "/invoices/{invoice}", id: "showInvoice",
            summary: "One invoice", access: .tenant,
            success: Endpoint.Success(description: "The invoice as it was issued", schema: ["type": "object"])
        ) { [books] asked throws(RuntimeError) in
            let tenant = try asked.tenant()
            let number = asked.parameters["invoice"] ?? ""
            let found = try await BooksWork.run {
                try books.invoices(of: tenant).first { $0.value.number == number }?.value
            }
            guard let found else { throw RuntimeError(.notFound, number, "is no invoice of this tenant") }
            return .json(try BooksWork.document(found))
        }
    }

    private var preview: Endpoint {
        Endpoint(
            method: "GET", path: Self.base + "/bill-preview", id: "billPreview",
            summary:
                "What this month's invoices would be by the last night's count, and where they are heading",
            access: .tenant,
            success: Endpoint.Success(
                description:
                    "Drafts without numbers; `forecast` is the net if the rest goes like the days before",
                schema: Schemas.object(
                    [
                        "period": ["type": "string"], "drafts": Schemas.list(["type": "object"]),
                        "net": Schemas.list(Self.money), "forecast": Schemas.list(Self.money),
                    ], required: ["period", "drafts", "net", "forecast"]))
        ) { [books, clock] asked throws(RuntimeError) in
            let tenant = try asked.tenant()
            let now = clock.now()
            let (drafts, heading) = try await BooksWork.run {
                let drafts = try books.drafts(of: now.day.period).filter { $0.tenant == tenant }
                return (drafts, try Forecast.nets(drafts, now: now))
            }
            return .json([
                "period": .string(now.day.period.description),
                "drafts": .array(try drafts.map(BooksWork.document)),
                "net": .array(try drafts.map(\.net).map(BooksWork.document)),
                "forecast": .array(try heading.map(BooksWork.document)),
            ])
        }
    }

    private static let money = Schemas.object(
        ["amount": ["type": "string"], "currency": ["type": "string"]], required: ["amount", "currency"])
}

/// Reading the books off the tasks' threads.
enum BooksWork {
    static func run<T: Sendable>(_ body: @escaping @Sendable () throws -> T) async throws(RuntimeError) -> T {
        do { return try await BlockingWork.run(body) } catch let error as AccountsError {
            throw RuntimeError(error.isMissing ? .notFound : .unavailable, error.subject, error.cause)
        } catch {
            throw RuntimeError(.internalError, "books", "\(error)")
        }
    }

    static func document(_ value: some Encodable) throws(RuntimeError) -> JSONValue {
        do { return try JSONValue.parse(Array(try JSONEncoder().encode(value))) } catch {
            throw RuntimeError(.internalError, "books", "\(error)")
        }
    }
}
