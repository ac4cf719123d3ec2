// answers: "cut"
export default { execute() { console.log("x".repeat(4 << 20)); return "cut"; } };
