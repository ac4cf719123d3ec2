import Registry

// `Registry` is a module and a type in it, so `Registry.Run` would look inside the type. Names that other modules
// use as well get a second one here.
typealias RunEntry = Run
typealias RegisteredVersion = ListedVersion
typealias RecordedDecision = Decision
typealias DecisionVerdict = Verdict
