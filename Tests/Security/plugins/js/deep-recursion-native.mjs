// fails: threw | notSerializable
// Through the engine's own code: nested JSON, nested regular expressions, nested Proxy.
export default { execute() { let text = "[".repeat(200000); try { JSON.parse(text); } catch {} new RegExp("(".repeat(100000) + ")".repeat(100000)); } };
