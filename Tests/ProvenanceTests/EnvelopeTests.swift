import Marketplace
import Provenance
import Testing

@Suite struct EnvelopeTests {
    /// The example of the DSSE protocol's text.
    @Test func preAuthenticationEncodingIsTheProtocols() {
        let encoded = Envelope.preAuthenticationEncoding(
            payloadType: "http://example.com/HelloWorld", payload: bytes("hello world"))
        #expect(encoded == bytes("DSSEv1 29 http://example.com/HelloWorld 11 hello world"))
    }

    @Test func lengthsCountBytesNotCharacters() {
        let encoded = Envelope.preAuthenticationEncoding(payloadType: "é", payload: bytes("ü!"))
        #expect(encoded == bytes("DSSEv1 2 é 3 ü!"))
    }

    @Test func anEnvelopeReadsBackAndVerifies() throws {
        let envelope = Envelope.sign(bytes("payload"), payloadType: "text/plain", with: [fixedKey(1)])
        let read = try Envelope(parsing: envelope.serializedBytes)
        #expect(read == envelope)
        #expect(
            try read.verify(payloadType: "text/plain", keys: [fixedKey(1).verifyingKey]) == bytes("payload"))
    }

    @Test func anotherPayloadTypeIsRefused() {
        let envelope = Envelope.sign(bytes("{}"), payloadType: "a", with: [fixedKey(1)])
        #expect(throws: ProvenanceError.self) {
            try envelope.verify(payloadType: "b", keys: [fixedKey(1).verifyingKey])
        }
        let renamed = Envelope(payloadType: "b", payload: envelope.payload, signatures: envelope.signatures)
        #expect(throws: ProvenanceError.self) {
            try renamed.verify(payloadType: "b", keys: [fixedKey(1).verifyingKey])
        }
    }

    @Test func aKeyCountsOnceTowardsTheThreshold() throws {
        let one = Envelope.sign(bytes("x"), payloadType: "t", with: [fixedKey(1)])
        let twice = Envelope(
            payloadType: "t", payload: one.payload, signatures: one.signatures + one.signatures)
        let keys = [fixedKey(1).verifyingKey, fixedKey(2).verifyingKey]
        #expect(throws: ProvenanceError.self) { try twice.verify(payloadType: "t", keys: keys, threshold: 2) }
        let both = Envelope.sign(bytes("x"), payloadType: "t", with: [fixedKey(2), fixedKey(1)])
        try both.verify(payloadType: "t", keys: keys, threshold: 2)
    }

    @Test func aStrangersSignatureIsNamedAsOne() {
        let envelope = Envelope.sign(bytes("x"), payloadType: "t", with: [fixedKey(9)])
        #expect {
            try envelope.verify(payloadType: "t", keys: [fixedKey(1).verifyingKey])
        } throws: { ($0 as? ProvenanceError)?.code == .untrustedKey }
    }

    @Test func aStatementIsInTotoV1() throws {
        let statement = Statement(
            subjects: [.init(name: "a.vfp", digest: .sha256(of: "a"))],
            predicateType: "https://example.com/p/v1",
            predicate: ["k": 1])
        #expect(statement.json["_type"] == "https://in-toto.io/Statement/v1")
        let envelope = statement.signed(with: [fixedKey(1)])
        #expect(envelope.payloadType == "application/vnd.in-toto+json")
        #expect(try Statement(verifying: envelope, keys: [fixedKey(1).verifyingKey]) == statement)
    }
}
