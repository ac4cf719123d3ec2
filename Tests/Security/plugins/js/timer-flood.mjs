// fails: threw
// More timers than a call may have are refused with an error.
export default { async execute() { for (let i = 0; i < 1e6; i++) setTimeout(() => {}, 1e6); } };
