// in-toto Statement v1: which artefacts a claim is about (by digest) and what is claimed of them.
public import Marketplace

/// A claim about artefacts, signed inside an `Envelope`.
public struct Statement: Hashable, Sendable {
    public static let type = "https://in-toto.io/Statement/v1"
    public static let payloadType = "application/vnd.in-toto+json"

    public struct Subject: Hashable, Sendable {
        public let name: String
        public let digest: Marketplace.Digest

        public init(name: String, digest: Marketplace.Digest) {
            self.name = name
            self.digest = digest
        }
    }

    public var subjects: [Subject]
    /// A URI that says how to read `predicate`.
    public var predicateType: String
    public var predicate: JSONValue

    public init(subjects: [Subject], predicateType: String, predicate: JSONValue) {
        self.subjects = subjects
        self.predicateType = predicateType
        self.predicate = predicate
    }

    public var json: JSONValue {
        .object([
            "_type": .string(Statement.type),
            "predicateType": .string(predicateType),
            "predicate": predicate,
            "subject": .array(
                subjects.map {
                    .object(["name": .string($0.name), "digest": .object(["sha256": .string($0.digest.hex)])])
                }),
        ])
    }

    public init(json: JSONValue) throws(ProvenanceError) {
        guard json["_type"]?.stringValue == Statement.type else {
            throw ProvenanceError(.malformed, "statement", "is not an in-toto Statement v1")
        }
        guard let type = json["predicateType"]?.stringValue, !type.isEmpty,
            let list = json["subject"]?.arrayValue, !list.isEmpty
        else { throw ProvenanceError(.malformed, "statement", "lacks a predicateType or a subject") }
        var subjects: [Subject] = []
        for item in list {
            guard let hex = item["digest"]?["sha256"]?.stringValue, let digest = Marketplace.Digest(hex: hex)
            else {
                throw ProvenanceError(.malformed, "statement", "has a subject without a SHA-256 digest")
            }
            subjects.append(Subject(name: item["name"]?.stringValue ?? "", digest: digest))
        }
        self.init(subjects: subjects, predicateType: type, predicate: json["predicate"] ?? .object([:]))
    }

    public func signed(with keys: [SigningKey]) -> Envelope {
        Envelope.sign(json.serializedBytes(), payloadType: Statement.payloadType, with: keys)
    }

    /// Verifies that one of the keys has signed an envelope as a statement.
    public static func verify(_ envelope: Envelope, keys: [VerifyingKey]) throws(ProvenanceError) {
        try envelope.verify(payloadType: payloadType, keys: keys)
    }

    /// The statement in an envelope, after its signatures have been verified.
    public init(
        verifying envelope: Envelope, keys: [VerifyingKey], threshold: Int = 1
    ) throws(ProvenanceError) {
        let payload = try envelope.verify(
            payloadType: Statement.payloadType, keys: keys, threshold: threshold)
        try self.init(json: try JSONDocument.parse(payload, "statement"))
    }

    /// The statement in an envelope whose signatures nobody has looked at yet.
    public init(unverified envelope: Envelope) throws(ProvenanceError) {
        guard envelope.payloadType == Statement.payloadType else {
            throw ProvenanceError(.malformed, "envelope", "has the payload type \(envelope.payloadType)")
        }
        try self.init(json: try JSONDocument.parse(envelope.payload, "statement"))
    }
}
