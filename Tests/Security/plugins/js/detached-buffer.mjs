// answers: "held"
// Known engine-level tricks: memory that is taken away while native code uses it.
export default { execute() {
  const buffer = new ArrayBuffer(1 << 16, { maxByteLength: 1 << 20 });
  const view = new Uint8Array(buffer);
  const evil = { valueOf() { try { buffer.resize(0); } catch {} try { structuredClone(buffer); } catch {} return 5; } };
  try { view.fill(evil, 0, 1 << 16); } catch {}
  try { view.set([1, 2, evil, 4], evil); } catch {}
  try { new Uint8Array(buffer).subarray(evil, 100).sort(() => { buffer.resize(1 << 20); return -1; }); } catch {}
  try { crypto.getRandomValues(new Uint8Array(buffer)); } catch {}
  try { new TextDecoder().decode(view); } catch {}
  const list = [1, 2, 3, 4, 5, 6, 7, 8];
  try { list.sort(() => { list.length = 0; return 1; }); } catch {}
  try { Array.prototype.splice.call(list, { valueOf() { list.length = 1e5; return 0; } }, 1e5); } catch {}
  try { "x".replace(/x/g, () => { RegExp.prototype.exec = null; return "y"; }); } catch {}
  return "held";
} };
