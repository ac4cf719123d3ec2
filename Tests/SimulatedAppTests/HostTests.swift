import Marketplace
import Testing

@testable import SimulatedApp

private func ask(_ host: SimulatedHost, _ name: String, _ arguments: JSONValue) -> OperationOutcome {
    host.perform(OperationRequest(name: name, arguments: arguments))
}

private func code(_ outcome: OperationOutcome) -> String? {
    if case .failure(let error) = outcome { error.code } else { nil }
}

@Suite struct HostTests {
    @Test func secretStaysOutsideAndReachesTheVendorOnly() throws {
        let slack = SlackStandIn(token: "xoxb-right")
        let host = SimulatedHost(app: SimulatedApp(vendors: [slack]), secrets: ["SLACK_TOKEN": "xoxb-right"])
        let mark = ask(host, "secret", ["name": "SLACK_TOKEN"])
        #expect(mark == .success("{{secret:SLACK_TOKEN}}"))
        #expect(code(ask(host, "secret", ["name": "OTHER"])) == "denied")
        let answer = ask(
            host, "fetch",
            [
                "url": "https://slack.com/api/chat.postMessage", "method": "POST",
                "headers": [
                    "Authorization": "Bearer {{secret:SLACK_TOKEN}}", "Content-Type": "application/json",
                ],
                "body": "{\"channel\":\"#general\",\"text\":\"hello\"}",
            ])
        guard case .success(let value) = answer else {
            Issue.record("the fetch was refused")
            return
        }
        #expect(value["status"] == 200)
        #expect(slack.messages.map(\.text) == ["hello"])
        #expect(slack.violations == [])
    }

    @Test func storageKeepsWithinItsQuota() {
        let host = SimulatedHost(app: SimulatedApp(), storageBytesMax: 40)
        #expect(code(ask(host, "storage.set", ["key": "a/1", "value": "first"])) == nil)
        #expect(code(ask(host, "storage.set", ["key": "a/2", "value": [1, 2]])) == nil)
        #expect(ask(host, "storage.list", ["prefix": "a/"]) == .success(["keys": ["a/1", "a/2"]]))
        let long = String(repeating: "x", count: 40)
        #expect(code(ask(host, "storage.set", ["key": "b", "value": .string(long)])) == "limit")
        #expect(ask(host, "storage.get", ["key": "a/2"]) == .success(["value": [1, 2]]))
        #expect(code(ask(host, "storage.delete", ["key": "a/1"])) == nil)
        #expect(ask(host, "storage.get", ["key": "a/1"]) == .success(.null))
    }

    @Test func signsAndVerifiesInTheRunnersWords() {
        let host = SimulatedHost(
            app: SimulatedApp(), secrets: ["KEY": "k"], hmac: { _, key, message in key + message })
        let hexadecimal: JSONValue = [
            "secret": "KEY", "algorithm": "sha256", "data": "aGk=", "encoding": "hex",
        ]
        #expect(ask(host, "crypto.sign", hexadecimal) == .success(["signature": "6b6869"]))
        var base64: JSONValue = ["secret": "KEY", "algorithm": "sha1", "data": "aGk=", "encoding": "base64"]
        #expect(ask(host, "crypto.sign", base64) == .success(["signature": "a2hp"]))
        base64 = [
            "secret": "KEY", "algorithm": "sha1", "data": "aGk=", "encoding": "base64", "signature": "a2hp",
        ]
        #expect(ask(host, "crypto.verifyHmac", base64) == .success(["valid": true]))
        base64 = [
            "secret": "KEY", "algorithm": "sha1", "data": "aGk=", "encoding": "base64", "signature": "A2HP",
        ]
        #expect(ask(host, "crypto.verifyHmac", base64) == .success(["valid": false]))
        #expect(
            code(ask(host, "crypto.sign", ["secret": "OTHER", "algorithm": "sha1", "data": ""])) == "denied")
    }

    @Test func amountsAreDecimalsInAKnownCurrency() {
        let host = SimulatedHost(app: SimulatedApp())
        #expect(code(ask(host, "usage.report", ["amount": "12.50", "currency": "USD"])) == nil)
        #expect(code(ask(host, "usage.report", ["amount": "a lot", "currency": "USD"])) == "invalid")
        #expect(host.amounts == [.init(amount: "12.50", currency: "USD")])
    }
}
