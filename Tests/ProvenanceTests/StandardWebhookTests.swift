import Marketplace
import Provenance
import Testing

@Suite struct StandardWebhookTests {
    /// The vectors that the specification's reference libraries are tested with.
    @Test(arguments: [
        (
            "whsec_plJ3nmyCDGBKInavdOK15jsl", "msg_loFOjxBNrRLzqYUf", Int64(1_731_705_121),
            #"{"event_type":"ping","data":{"success":true}}"#,
            "v1,rAvfW3dJ/X/qxhsaXPOyyCGmRKsaKWcsNccKXlIktD0="
        ),
        (
            "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", "msg_p5jXN8AQM9LWM0D4loKWxJek", 1_614_265_330,
            #"{"test": 2432232314}"#, "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="
        ),
    ])
    func signaturesAreThePublishedOnes(
        _ secret: String, _ id: String, _ seconds: Int64, _ body: String, _ signature: String
    ) throws {
        let webhook = try StandardWebhook(secret: secret)
        #expect(webhook.signature(id: id, seconds: seconds, body: bytes(body)) == signature)
        #expect(webhook.secret == secret)
        let now = Instant(seconds: seconds)
        func holds(_ signatures: String, _ time: Instant = now, _ text: String = body) -> Bool {
            webhook.isValid(
                id: id, timestamp: String(seconds), signatures: signatures, body: bytes(text), now: time)
        }
        #expect(holds(signature))
        #expect(holds("v1,AAAA " + signature), "several signatures, as while a secret is rotated")
        #expect(!holds(signature, now.adding(seconds: 301)))
        #expect(!holds(signature, now, body + " "))
        #expect(!holds("v1,AAAA"))
    }

    @Test func aShortSecretIsRefused() {
        #expect(throws: ProvenanceError.self) { try StandardWebhook(key: [1, 2, 3]) }
        #expect(throws: ProvenanceError.self) { try StandardWebhook(secret: "secret") }
    }
}
