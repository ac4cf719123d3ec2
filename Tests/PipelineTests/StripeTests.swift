import Billing
import Foundation
import Marketplace
import Metering
import Synchronization
import TestSupport
import Testing

@testable import Pipeline

/// The card processor against localstripe, which others wrote: a server of its own on loopback.
@Suite(.serialized) struct StripeTests {
    /// A running server, ended with the value.
    final class Server: @unchecked Sendable {
        // SAFETY: the process is started and ended by the one test that owns the value.
        private let process = Process()
        let url: String

        init() throws {
            let port = Int.random(in: 20_000...40_000)
            url = "http://127.0.0.1:\(port)"
            let own = Products.file(".venv/bin/localstripe")
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = [
                FileManager.default.fileExists(atPath: own) ? own : "localstripe", "--port", "\(port)",
                "--from-scratch",
            ]
            process.standardOutput = FileHandle.nullDevice
            process.standardError = FileHandle.nullDevice
            try process.run()
            for _ in 0..<100 {
                if HTTPSender().send(get("customers"))?.status == 200 { return }
                usleep(100_000)
            }
            Issue.record("localstripe does not answer; `make venv` installs it")
        }

        deinit {
            // Started from a thread that holds signals back, it hears only this one.
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }

        func get(_ path: String) -> HTTPExchange {
            HTTPExchange(
                method: "GET", url: "\(url)/v1/\(path)", headers: ["Authorization": "Bearer sk_test_12345"])
        }

        @discardableResult
        func post(_ path: String, _ form: String) throws -> JSONValue {
            let answer = HTTPSender().send(
                HTTPExchange(
                    method: "POST", url: "\(url)/\(path)",
                    headers: [
                        "Authorization": "Bearer sk_test_12345",
                        "Content-Type": "application/x-www-form-urlencoded",
                    ], body: Array(form.utf8)))
            let body = try #require(answer).body
            return (try? JSONValue.parse(body)) ?? .null
        }

        /// Gives a tenant a card that pays, or one that is declined.
        func card(_ tenant: TenantID, number: String, processor: StripeProcessor) throws {
            _ = try processor.request(intent("first-\(tenant.text)", tenant, 100))
            let list = try JSONValue.parse(HTTPSender().send(get("customers"))!.body)
            let customer = list["data"]!.arrayValue!.first {
                $0["metadata"]?["veroforge_tenant"]?.stringValue == tenant.text
            }!["id"]!.stringValue!
            let method = try post(
                "v1/payment_methods",
                "type=card&card[number]=\(number)&card[exp_month]=12&card[exp_year]=2030&card[cvc]=123")
            try post("v1/payment_methods/\(method["id"]!.stringValue!)/attach", "customer=\(customer)")
        }
    }

    static func intent(_ key: String, _ tenant: TenantID, _ minor: Int64) -> PaymentIntent {
        PaymentIntent(
            key: key, invoice: key, tenant: tenant, money: Money(minor: minor, Currency("EUR")!))
    }

    /// Loses the answers to some calls, after the server has had them, as a broken line would.
    final class Lossy: HTTPSending {
        let losing: Mutex<Bool> = Mutex(false)
        func send(_ request: HTTPExchange) -> (status: Int, body: [UInt8])? {
            let answer = HTTPSender().send(request)
            return losing.withLock { $0 } && request.method == "POST" ? nil : answer
        }
    }

    @Test func aCardIsChargedOnceALostAnswerIsFoundAndARefundGoesBackOnce() throws {
        let server = try Server()
        let line = Lossy()
        let processor = StripeProcessor(secretKey: "sk_test_12345", base: server.url, sender: line)
        let tenant = TenantID("acme-field")!
        // Without a card nothing is charged, and the intent waits.
        #expect(try processor.request(Self.intent("first-acme-field", tenant, 100)) == .pending)
        #expect(try processor.lookUp(Self.intent("first-acme-field", tenant, 100)) == nil)
        try server.card(tenant, number: "4242424242424242", processor: processor)
        // The answer is lost after the server has made the intent: it is looked up, never asked for twice.
        line.losing.withLock { $0 = true }
        let order = Self.intent("pay-VF-000001", tenant, 2_138)
        #expect(try processor.request(order) == .unknown)
        line.losing.withLock { $0 = false }
        #expect(try processor.lookUp(order) == .succeeded)
        #expect(try processor.lookUp(order) == .succeeded)
        let receipts = try processor.receipts()
        #expect(receipts.count == 1 && receipts[0].reference == "pay-VF-000001")
        #expect(receipts[0].money.amount == "21.38")
        let refund = RefundOrder(
            key: "refund-VF-000001-a", intent: "pay-VF-000001", money: Money(minor: 1_000, Currency("EUR")!))
        #expect(try processor.lookUp(refund) == nil)
        line.losing.withLock { $0 = true }
        #expect(try processor.refund(refund) == .unknown)
        line.losing.withLock { $0 = false }
        #expect(try processor.lookUp(refund) == .succeeded)
        let refunds = try JSONValue.parse(HTTPSender().send(server.get("refunds"))!.body)
        #expect(refunds["data"]!.arrayValue!.count == 1)
    }

    @Test func aDeclinedCardIsAnAnswerAndARefusedKeyAnError() throws {
        let server = try Server()
        let processor = StripeProcessor(secretKey: "sk_test_12345", base: server.url, sender: HTTPSender())
        let tenant = TenantID("globex-sample")!
        try server.card(tenant, number: "4000000000000341", processor: processor)
        #expect(try processor.request(Self.intent("pay-VF-000002", tenant, 500)) == .failed)
        #expect(try processor.receipts().isEmpty)
        let nobody = StripeProcessor(secretKey: "", base: server.url, sender: HTTPSender())
        #expect(throws: BillingError.self) { try nobody.request(Self.intent("pay-VF-000003", tenant, 500)) }
        // A server that is not there is no answer, which is not a no.
        let silent = StripeProcessor(secretKey: "x", base: "http://127.0.0.1:1", sender: HTTPSender())
        #expect(try silent.request(Self.intent("pay-VF-000003", tenant, 500)) == .unknown)
    }

    @Test(
        arguments: [
            ("USD", 100, nil), ("JPY", 500, nil), ("KWD", 1_230, nil), ("KWD", 1_234, "0"),
            ("MGA", 12_300, nil), ("MGA", 12_345, "decimals"), ("UGX", 5, nil), ("HUF", 12_345, nil),
            ("EUR", 100_000_000, "eight"), ("EUR", 0, "more than nothing"), ("CLF", 10_000, "account"),
        ] as [(String, Int64, String?)])
    func theCardRailRefusesWhatItCannotCarry(code: String, minor: Int64, why: String?) throws {
        let processor = StripeProcessor(secretKey: "", base: "", sender: HTTPSender())
        let intent = PaymentIntent(
            key: "k", invoice: "i", tenant: TenantID("acme-field")!,
            money: Money(minor: minor, Currency(code)!))
        let refusal = processor.refusal(of: intent)
        #expect((refusal == nil) == (why == nil), "\(refusal ?? "nothing")")
        if let why { #expect(refusal!.contains(why), "\(refusal!)") }
    }

    @Test func aWebhookIsBelievedOnlyWithItsSignatureAndInItsTime() throws {
        let server = try Server()
        let listener = try Listener()
        try server.post(
            "_config/webhooks/own", "url=http%3A%2F%2F127.0.0.1%3A\(listener.port)%2F&secret=whsec_sample")
        let processor = StripeProcessor(secretKey: "sk_test_12345", base: server.url, sender: HTTPSender())
        let tenant = TenantID("nippon-sample")!
        try server.card(tenant, number: "4242424242424242", processor: processor)
        #expect(try processor.request(Self.intent("pay-VF-000009", tenant, 700)) == .succeeded)
        let (signature, body) = try listener.next {
            String(decoding: $0, as: UTF8.self).contains("payment_intent.succeeded")
        }
        let now = Instant(milliseconds: Int64(Date().timeIntervalSince1970 * 1_000))
        let event = try StripeWebhook(body: body, signature: signature, secret: "whsec_sample", now: now)
        #expect(event.type == "payment_intent.succeeded" && event.key == "pay-VF-000009")
        #expect(throws: BillingError.self) {
            try StripeWebhook(body: body + [0x20], signature: signature, secret: "whsec_sample", now: now)
        }
        #expect(throws: BillingError.self) {
            try StripeWebhook(body: body, signature: signature, secret: "whsec_other", now: now)
        }
        #expect(throws: BillingError.self) {
            try StripeWebhook(
                body: body, signature: signature, secret: "whsec_sample", now: now.adding(seconds: 3_600))
        }
        #expect(throws: BillingError.self) {
            try StripeWebhook(body: body, signature: "v1=00", secret: "whsec_sample", now: now)
        }
    }

    /// A listener for the server's own messages: a small program that prints each as one line of JSON.
    final class Listener: @unchecked Sendable {
        // SAFETY: the process and its pipe belong to the one test that owns the value.
        private let process = Process()
        private let pipe = Pipe()
        private var buffer: [UInt8] = []
        let port: Int

        static let program = """
            import http.server, json, sys
            class Handler(http.server.BaseHTTPRequestHandler):
                def do_POST(self):
                    body = self.rfile.read(int(self.headers["Content-Length"]))
                    print(json.dumps([self.headers["Stripe-Signature"], body.decode()]), flush=True)
                    self.send_response(200); self.end_headers()
                def log_message(self, *args): pass
            server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
            print(server.server_address[1], flush=True)
            server.serve_forever()
            """

        init() throws {
            process.executableURL = URL(fileURLWithPath: "/usr/bin/env")
            process.arguments = ["python3", "-c", Self.program]
            process.standardOutput = pipe
            try process.run()
            var first: [UInt8] = []
            while !first.contains(0x0A) {
                let more = pipe.fileHandleForReading.availableData
                if more.isEmpty { break }
                first += more
            }
            port = Int(String(decoding: first, as: UTF8.self).prefix { $0.isNumber }) ?? 0
        }

        deinit {
            // Started from a thread that holds signals back, it hears only this one.
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }

        func next(where holds: ([UInt8]) -> Bool) throws -> (signature: String, body: [UInt8]) {
            while true {
                while let end = buffer.firstIndex(of: 0x0A) {
                    let line = Array(buffer[..<end])
                    buffer.removeSubrange(...end)
                    let pair = try JSONValue.parse(line).arrayValue!
                    let body = Array(pair[1].stringValue!.utf8)
                    if holds(body) { return (pair[0].stringValue!, body) }
                }
                let more = pipe.fileHandleForReading.availableData
                if more.isEmpty { throw CocoaError(.fileReadUnknown) }
                buffer += more
            }
        }
    }
}
