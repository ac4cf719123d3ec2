/// What the engine that will run a text says of it, compiling and not running.
public enum EngineOpinion: Sendable, Equatable {
    /// As a script, a module or the body of a CommonJS file it parses.
    case accepts
    case rejects(String)
}

/// Asks the engine. Scanning knows no engine: the worker hands one in.
public typealias EngineQuestion = @Sendable ([UInt8]) -> EngineOpinion
