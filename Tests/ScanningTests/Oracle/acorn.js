// For every file of a list: how many tokens acorn finds, a hash over where they stand in bytes, and the facts that our
// own tree must agree on. One JSON object a line; a file that acorn cannot parse says so. Debian's node-acorn.
const acorn = require("/usr/share/nodejs/acorn");
const fs = require("fs");

function byteOffsets(text) {
  const offsets = new Int32Array(text.length + 1);
  let bytes = 0;
  for (let index = 0; index < text.length; index++) {
    offsets[index] = bytes;
    const unit = text.charCodeAt(index);
    if (unit < 0x80) bytes += 1;
    else if (unit < 0x800) bytes += 2;
    else if (unit >= 0xd800 && unit < 0xdc00) bytes += 4;
    else if (unit >= 0xdc00 && unit < 0xe000) bytes += 0;
    else bytes += 3;
  }
  offsets[text.length] = bytes;
  return offsets;
}

function parse(text) {
  const tokens = [];
  const options = {
    ecmaVersion: "latest", allowReturnOutsideFunction: true, allowAwaitOutsideFunction: true, allowHashBang: true,
    allowImportExportEverywhere: false, allowSuperOutsideMethod: true,
  };
  for (const sourceType of ["script", "module"]) {
    tokens.length = 0;
    try {
      return { tree: acorn.parse(text, { ...options, sourceType, onToken: tokens }), tokens };
    } catch (error) {
      if (sourceType === "module") throw error;
    }
  }
}

// Templates are one token a part for us, with their signs; acorn has the backquote, the text and the braces apart.
function templateTokens(tokens) {
  const result = [];
  const stack = [];
  let part = null;
  for (const token of tokens) {
    const label = token.type.label;
    if (label === "eof") continue;
    if (label === "`") {
      if (part) { part.end = token.end; result.push(part); part = null; stack.pop(); }
      else { part = { start: token.start, end: token.end }; stack.push("`"); }
    } else if (label === "template" || label === "invalidTemplate") {
      part.end = token.end;
    } else if (label === "${") {
      part.end = token.end;
      result.push(part);
      part = null;
      stack.push("${");
    } else if (label === "{") {
      stack.push("{");
      result.push(token);
    } else if (label === "}") {
      if (stack.pop() === "${") part = { start: token.start, end: token.end };
      else result.push(token);
    } else {
      if (label === "#") continue;
      result.push(token);
    }
  }
  return result;
}

function children(node, visit) {
  for (const key of Object.keys(node)) {
    const value = node[key];
    if (Array.isArray(value)) { for (const item of value) if (item && typeof item.type === "string") visit(item, key); }
    else if (value && typeof value.type === "string") visit(value, key);
  }
}

const counted = {
  CallExpression: "call", NewExpression: "new", FunctionDeclaration: "function", FunctionExpression: "function",
  ArrowFunctionExpression: "function", ClassDeclaration: "class", ClassExpression: "class", ImportExpression: "import",
  TaggedTemplateExpression: "tagged", ConditionalExpression: "conditional", IfStatement: "if", TryStatement: "try",
  SwitchStatement: "switch", ReturnStatement: "return", ThrowStatement: "throw",
};

function facts(tree) {
  const counts = {};
  const modules = new Set();
  const add = (name) => { counts[name] = (counts[name] || 0) + 1; };
  (function walk(node) {
    if (counted[node.type]) add(counted[node.type]);
    if (node.type === "MemberExpression") add(node.computed ? "index" : "member");
    if (node.type === "Literal" && node.regex) add("regex");
    if (node.source && typeof node.source.value === "string" && node.type !== "ImportExpression") {
      if (node.source.value) modules.add(node.source.value);
    }
    children(node, walk);
  })(tree);
  return Object.keys(counts).sort().map((name) => `${name}=${counts[name]}`).join(" ") + " | "
    + [...modules].sort().join(",") + " | " + [...freeNames(tree)].sort().join(",");
}

// Which names no scope declares.
function freeNames(tree) {
  const free = new Set();
  const patternNames = (node, into) => {
    if (!node) return;
    switch (node.type) {
      case "Identifier": into.add(node.name); break;
      case "ObjectPattern": for (const item of node.properties) patternNames(item.type === "RestElement" ? item.argument : item.value, into); break;
      case "ArrayPattern": for (const item of node.elements) patternNames(item, into); break;
      case "AssignmentPattern": patternNames(node.left, into); break;
      case "RestElement": patternNames(node.argument, into); break;
    }
  };
  const isFunction = (node) => /Function/.test(node.type);
  const hoistVars = (node, into) => {
    if (isFunction(node)) return;
    if (node.type === "VariableDeclaration" && node.kind === "var") for (const item of node.declarations) patternNames(item.id, into);
    if (/Class/.test(node.type)) return;
    children(node, (child) => hoistVars(child, into));
  };
  const hoistLexical = (list, into) => {
    for (let node of list) {
      if (!node) continue;
      if (node.type === "ExportNamedDeclaration" || node.type === "ExportDefaultDeclaration") node = node.declaration || node;
      if (node.type === "LabeledStatement") node = node.body;
      if (node.type === "VariableDeclaration" && node.kind !== "var") for (const item of node.declarations) patternNames(item.id, into);
      if ((node.type === "FunctionDeclaration" || node.type === "ClassDeclaration") && node.id) into.add(node.id.name);
      if (node.type === "ImportDeclaration") for (const item of node.specifiers) into.add(item.local.name);
    }
  };
  const visit = (node, scopes) => {
    if (!node) return;
    const refer = (name) => { if (!scopes.some((scope) => scope.has(name))) free.add(name); };
    const all = (inner) => children(node, (child) => visit(child, inner));
    switch (node.type) {
      case "Identifier": refer(node.name); return;
      case "MemberExpression": visit(node.object, scopes); if (node.computed) visit(node.property, scopes); return;
      case "Property": case "PropertyDefinition": case "MethodDefinition":
        if (node.computed) visit(node.key, scopes);
        visit(node.value, scopes);
        return;
      case "LabeledStatement": visit(node.body, scopes); return;
      case "BreakStatement": case "ContinueStatement": case "MetaProperty": return;
      case "ImportDeclaration": case "ExportAllDeclaration": return;
      case "ExportNamedDeclaration": if (node.declaration) visit(node.declaration, scopes); return;
      case "BlockStatement": case "StaticBlock": {
        const inner = new Set(); hoistLexical(node.body, inner); all([inner, ...scopes]); return;
      }
      case "ForStatement": case "ForInStatement": case "ForOfStatement": {
        const inner = new Set(); hoistLexical([node.init || node.left], inner); all([inner, ...scopes]); return;
      }
      case "SwitchStatement": {
        const inner = new Set(); for (const item of node.cases) hoistLexical(item.consequent, inner);
        all([inner, ...scopes]); return;
      }
      case "CatchClause": {
        const inner = new Set(); patternNames(node.param, inner); all([inner, ...scopes]); return;
      }
      case "ClassDeclaration": case "ClassExpression": {
        const inner = new Set(); if (node.id) inner.add(node.id.name); all([inner, ...scopes]); return;
      }
    }
    if (isFunction(node)) {
      const own = new Set();
      if (node.id && node.type === "FunctionExpression") own.add(node.id.name);
      const inner = new Set();
      if (node.type !== "ArrowFunctionExpression") inner.add("arguments");
      for (const item of node.params) patternNames(item, inner);
      if (node.body.type === "BlockStatement") {
        for (const item of node.body.body) hoistVars(item, inner);
        hoistLexical(node.body.body, inner);
      }
      for (const item of node.params) visit(item, [inner, own, ...scopes]);
      visit(node.body, [inner, own, ...scopes]);
      return;
    }
    all(scopes);
  };
  const top = new Set();
  hoistVars(tree, top);
  hoistLexical(tree.body, top);
  for (const node of tree.body) visit(node, [top]);
  return free;
}

for (const path of fs.readFileSync(process.argv[2], "utf8").split("\n").filter(Boolean)) {
  const text = fs.readFileSync(path, "utf8").replace(/^\uFEFF/, "");
  const shift = fs.readFileSync(path)[0] === 0xef && fs.readFileSync(path)[1] === 0xbb ? 3 : 0;
  let parsed;
  try {
    parsed = parse(text);
  } catch (error) {
    console.log(JSON.stringify({ path, error: String(error.message) }));
    continue;
  }
  const offsets = byteOffsets(text);
  let hash = 2166136261;
  const mix = (value) => { hash = Math.imul(hash ^ value, 16777619) >>> 0; };
  const tokens = templateTokens(parsed.tokens);
  for (const token of tokens) { mix(offsets[token.start] + shift); mix(offsets[token.end] + shift); }
  console.log(JSON.stringify({ path, tokens: tokens.length, hash, facts: facts(parsed.tree) }));
}
