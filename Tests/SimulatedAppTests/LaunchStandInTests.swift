import Foundation
import Marketplace
import Testing

@testable import SimulatedApp

private let account = "AC00000000000000000000000000000001"
private let basic = "Basic " + Data("\(account):token".utf8).base64EncodedString()
private let form = "application/x-www-form-urlencoded"
private let company = "/v3/company/4620816365000000001"
private let envelopes = "/restapi/v2/accounts/00000000-0000-4000-8000-000000000001/envelopes"

private func request(
    _ method: String, _ url: String, _ body: String = "", type: String = "application/json",
    authorization: String? = "Bearer sample", key: String? = nil
) -> VendorRequest {
    var headers = ["content-type": type]
    headers["authorization"] = authorization
    headers["idempotency-key"] = key
    return VendorRequest(method: method, url: "https://\(url)", headers: headers, body: body)!
}

private func json(_ answer: VendorAnswer) -> JSONValue { (try? JSONValue.parse(answer.body)) ?? .null }

/// A stand-in starts strict: what its vendor does not know is a violation, and so is a request without a credential.
@Suite struct LaunchStandInTests {
    static let strange: [(String, VendorRequest)] = [
        ("stripe", request("GET", "api.stripe.com/v1/balance")),
        (
            "stripe",
            request("POST", "api.stripe.com/v1/customers", "name=Ada&colour=red", type: form, key: "a")
        ),
        ("stripe", request("POST", "api.stripe.com/v1/customers", "name=Ada", type: form)),
        (
            "stripe",
            request("POST", "api.stripe.com/v1/customers", "", type: form, authorization: nil, key: "a")
        ),
        ("quickbooks", request("GET", "quickbooks.api.intuit.com\(company)/vendor/1?minorversion=73")),
        ("quickbooks", request("GET", "quickbooks.api.intuit.com\(company)/customer/1")),
        (
            "quickbooks",
            request(
                "POST", "quickbooks.api.intuit.com\(company)/customer?minorversion=73&requestid=a",
                #"{"DisplayName": "Ada", "Colour": "red"}"#)
        ),
        (
            "quickbooks",
            request(
                "POST", "quickbooks.api.intuit.com\(company)/customer?minorversion=73",
                #"{"DisplayName": "Ada"}"#)
        ),
        (
            "quickbooks",
            request(
                "GET", "quickbooks.api.intuit.com\(company)/cdc?minorversion=73&changedSince=x",
                authorization: nil)
        ),
        (
            "twilio",
            request(
                "POST", "api.twilio.com/2010-04-01/Accounts/\(account)/Messages.json",
                "To=%2B15550100001&From=%2B15550100000&Body=a&Colour=red", type: form, authorization: basic)
        ),
        (
            "twilio",
            request(
                "POST", "api.twilio.com/2010-04-01/Accounts/\(account)/Messages.json", "To=%2B15550100001",
                type: form, authorization: basic)
        ),
        (
            "twilio",
            request(
                "POST", "api.twilio.com/2010-04-01/Accounts/\(account)/Faxes.json", "", type: form,
                authorization: basic)
        ),
        (
            "twilio",
            request(
                "POST", "api.twilio.com/2010-04-01/Accounts/\(account)/Calls.json", "", type: form,
                authorization: nil)
        ),
        ("docusign", request("GET", "demo.docusign.net\(envelopes)?color=red")),
        ("docusign", request("POST", "demo.docusign.net\(envelopes)", #"{"status": "sent"}"#)),
        ("docusign", request("GET", "demo.docusign.net/restapi/v2/accounts")),
        ("docusign", request("GET", "demo.docusign.net\(envelopes)", authorization: nil)),
        ("docusign", request("POST", "account.docusign.com/oauth/token", "grant_type=password", type: form)),
    ]

    @Test(arguments: strange)
    func whatTheVendorDoesNotKnowIsAViolation(name: String, request: VendorRequest) throws {
        let vendor = try #require(LaunchStandIns.all().first { $0.name == name })
        #expect(vendor.answers(for: request.host))
        #expect(vendor.answer(request).status >= 400)
        #expect(vendor.violations.count == 1, "\(vendor.violations)")
    }

    @Test func refreshTokensRotateAndAnOldOneIsRefused() {
        let vendor = DocuSignStandIn()
        func refresh(_ token: String) -> VendorAnswer {
            vendor.answer(
                request(
                    "POST", "account.docusign.com/oauth/token",
                    "grant_type=refresh_token&refresh_token=\(token)", type: form, authorization: basic))
        }
        let first = json(refresh("first"))
        let next = first["refresh_token"]?.stringValue ?? ""
        #expect(refresh("first").status == 400)
        let access = json(refresh(next))["access_token"]?.stringValue ?? ""
        let read = {
            vendor.answer(
                request("GET", "demo.docusign.net\(envelopes)?transaction_ids=a", authorization: $0))
        }
        #expect(read("Bearer \(access)").status == 200)
        #expect(read("Bearer sample").status == 401)
        #expect(vendor.violations == [])
    }

    @Test func anIdempotencyKeyGivesTheFirstAnswerAndRefusesAnotherForm() {
        let vendor = StripeStandIn()
        let create = {
            vendor.answer(request("POST", "api.stripe.com/v1/customers", $0, type: form, key: "one"))
        }
        let first = create("name=Ada")
        #expect(create("name=Ada") == first)
        #expect(json(create("name=Ivo"))["error"]?["type"] == "idempotency_error")
        #expect(vendor.customers.count == 1)
    }

    @Test func staleTokensDoubleNamesAndOverpaymentsAreRefused() {
        let vendor = QuickBooksStandIn()
        var count = 0
        func post(_ entity: String, _ body: String) -> JSONValue {
            count += 1
            let url = "quickbooks.api.intuit.com\(company)/\(entity)?minorversion=73&requestid=r\(count)"
            return json(vendor.answer(request("POST", url, body)))
        }
        func code(_ answer: JSONValue) -> JSONValue? { answer["Fault"]?["Error"]?.arrayValue?.first?["code"] }
        #expect(post("customer", #"{"DisplayName": "Ada"}"#)["Customer"]?["Id"] == "1")
        #expect(code(post("customer", #"{"DisplayName": "Ada"}"#)) == "6240")
        let change = #"{"Id": "1", "SyncToken": "0", "DisplayName": "Ada B", "sparse": true}"#
        #expect(post("customer", change)["Customer"]?["SyncToken"] == "1")
        #expect(code(post("customer", change)) == "5010")
        let invoice = #"{"CustomerRef": {"value": "1"}, "Line": [{"Amount": 10.5}]}"#
        #expect(post("invoice", invoice)["Invoice"]?["Balance"] == 10.5)
        func payment(_ amount: String) -> JSONValue {
            post(
                "payment",
                """
                {"CustomerRef": {"value": "1"}, "TotalAmt": \(amount), "Line": [{"Amount": \(amount), \
                "LinkedTxn": [{"TxnId": "2", "TxnType": "Invoice"}]}]}
                """)
        }
        #expect(code(payment("11.0")) == "6540")
        #expect(payment("10.5")["Payment"] != nil)
        #expect(vendor.records(of: "Invoice").first?["Balance"]?.doubleValue == 0)
        #expect(vendor.violations == [])
    }
}
