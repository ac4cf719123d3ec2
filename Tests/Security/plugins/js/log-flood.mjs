// answers: "quiet"
// The log is cut; the call goes on.
export default { execute() { for (let i = 0; i < 20000; i++) console.log("x".repeat(1000)); return "quiet"; } };
