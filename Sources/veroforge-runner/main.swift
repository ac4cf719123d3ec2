import CQuickJS
let r = JS_NewRuntime()
print("veroforge-runner", r != nil)
