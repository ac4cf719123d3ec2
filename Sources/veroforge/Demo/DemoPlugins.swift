import Foundation
import Marketplace
import Provenance
import SimulatedApp

/// What the demo's customer installs, and what it calls over the month.
struct DemoPlugins {
    /// The folders of the plugins that are handed in: the five launch plugins, one of another publisher, and one that
    /// is to be rejected.
    static let folders = [
        "slack", "stripe-billing", "quickbooks-sync", "twilio", "docusign", "overdue-reminders", "hostile",
    ]

    struct Installed {
        let id: String
        let plan: String
        var secrets: [String: String] = [:]
        var config: JSONValue = [:]
    }

    struct Call {
        let plugin: String
        let action: String
        let data: JSONValue
    }

    static let webhookSecret = "whsec-sample-of-the-demo"

    static let installed = [
        Installed(
            id: "veroforge.slack", plan: "team",
            secrets: [
                "SLACK_BOT_TOKEN": "xoxb-sample-token", "SLACK_SIGNING_SECRET": "sample-signing-secret",
            ]),
        Installed(
            id: "veroforge.stripe-billing", plan: "standard",
            secrets: [
                "STRIPE_SECRET_KEY": "sample-stripe-key", "STRIPE_WEBHOOK_SECRET": webhookSecret,
            ]),
        Installed(
            id: "veroforge.quickbooks-sync", plan: "lifetime",
            secrets: [
                "QUICKBOOKS": grant("https://oauth.platform.intuit.com/oauth2/v1/tokens/bearer"),
                "QUICKBOOKS_VERIFIER": "sample-verifier",
            ], config: ["companyId": "4620816365000000001", "itemId": "1"]),
        Installed(
            id: "veroforge.twilio", plan: "per-message",
            secrets: [
                "TWILIO_CREDENTIALS": "\(account):sample-auth-token",
                "TWILIO_AUTH_TOKEN": "sample-auth-token",
            ],
            config: [
                "accountSid": .string(account), "from": "+15550100000",
                "verifyService": "VA00000000000000000000000000000001",
            ]),
        Installed(
            id: "veroforge.docusign", plan: "office",
            secrets: [
                "DOCUSIGN": grant("https://account-d.docusign.com/oauth/token"),
                "DOCUSIGN_CONNECT_KEY": "sample-connect-key",
            ],
            config: [
                "accountId": "00000000-0000-4000-8000-000000000001",
                "templateId": "00000000-0000-4000-8000-000000000002",
            ]),
        Installed(id: "northwind-samples.overdue-reminders", plan: "metered"),
    ]

    private static let account = "AC00000000000000000000000000000001"

    /// An OAuth grant without an access token: the host's first step is a refresh.
    private static func grant(_ endpoint: String) -> String {
        let grant: JSONValue = [
            "tokenEndpoint": .string(endpoint), "clientId": "sample-client",
            "clientSecret": "sample-client-secret", "refreshToken": "sample-refresh-of-the-customer",
        ]
        return grant.serialized()
    }

    /// The vendors' hosts that are stood in for.
    static let hosts = [
        "slack.com", "api.stripe.com", "quickbooks.api.intuit.com", "oauth.platform.intuit.com",
        "api.twilio.com", "verify.twilio.com", "demo.docusign.net", "account-d.docusign.com",
    ]

    /// Records of the sample business, read once.
    private let customers: [String]
    private let orders: [String]
    private let invoices: [String]
    private let contracts: [String]

    init(_ app: SimulatedApp) {
        func ids(_ entity: String, where holds: (JSONValue) -> Bool = { _ in true }) -> [String] {
            app.records(of: entity).filter(holds).compactMap { $0["id"]?.stringValue }
        }
        customers = ids("customers") { $0["phone"] != nil }
        orders = ids("orders")
        invoices = ids("invoices") { $0["status"] != "draft" }
        contracts = ids("contracts") { $0["status"] == "draft" || $0["status"] == "sent" }
    }

    /// The calls of a day of the month, `day` counted from 0.
    func calls(_ day: Int, _ date: Day) -> [Call] {
        func pick(_ ids: [String], _ number: Int) -> JSONValue { .string(ids[number % ids.count]) }
        let customer = pick(customers, day)
        let phone = JSONValue.string("+1555010" + String(String(10_000 + day).dropFirst()))
        var calls = (0..<4).map { number in
            Call(
                plugin: "veroforge.slack", action: "notify-order",
                data: [
                    "orderId": pick(orders, day * 4 + number),
                    "event": number % 2 == 0 ? "created" : "completed",
                ])
        }
        calls += [
            Call(
                plugin: "northwind-samples.overdue-reminders", action: "overview",
                data: ["asOf": .string(date.description)]),
            Call(
                plugin: "veroforge.stripe-billing", action: "create-customer", data: ["customerId": customer]),
            day % 2 == 0
                ? Call(
                    plugin: "veroforge.stripe-billing", action: "create-subscription",
                    data: ["customerId": customer, "price": "price_maintenance"])
                : Call(
                    plugin: "veroforge.stripe-billing", action: "payment-link",
                    data: ["price": "price_inspection", "orderId": pick(orders, day)]),
            Call(
                plugin: "veroforge.quickbooks-sync", action: "push-invoice",
                data: ["invoiceId": pick(invoices, day)]),
            Call(
                plugin: "veroforge.twilio", action: "notify-customer",
                data: ["orderId": pick(orders, day), "event": "scheduled"]),
            Call(plugin: "veroforge.twilio", action: "send-code", data: ["to": phone]),
            Call(
                plugin: "veroforge.twilio", action: "check-code",
                data: ["to": phone, "code": .string(TwilioStandIn.code)]),
            // A contract is sent, looked at twice, and signed at the second look.
            Call(
                plugin: "veroforge.docusign",
                action: day % 3 == 0 && day / 3 < contracts.count ? "send-contract" : "contract-status",
                data: ["contractId": pick(contracts, min(day / 3, contracts.count - 1))]),
        ]
        return calls
    }

    /// An event as Stripe would send it, with its signature.
    static func paidEvent(_ number: Int, at now: Instant) -> (body: [UInt8], signature: String) {
        let event: JSONValue = [
            "id": .string("evt_sample\(number)"), "type": "invoice.paid",
            "data": [
                "object": [
                    "id": .string("in_paid\(number)"), "currency": "usd", "amount_paid": 12_950,
                    "status_transitions": ["paid_at": .integer(now.seconds)], "metadata": [:],
                ]
            ],
        ]
        let body = event.serializedBytes()
        let signed = Array("\(now.seconds).".utf8) + body
        let code = hmac("sha256", key: Array(webhookSecret.utf8), signed) ?? []
        return (body, "t=\(now.seconds),v1=\(Hex.encode(code))")
    }
}
