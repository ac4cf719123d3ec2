import { ageDays, ageGroup, today } from "./days.js";

const storagePrefix = "reminded/";

/** Reminds the customers of overdue invoices. */
export default class OverdueRemindersPlugin {
  name = "overdue-reminders";
  version = "1.0.0";

  async initialize(context) {
    this.context = context;
  }

  async execute(request) {
    const data = request.data ?? {};
    const asOf = data.asOf ?? today();
    switch (request.action) {
      case "remind":
        return { success: true, data: await this.remind(asOf, data.limit ?? 5) };
      case "overview":
        return { success: true, data: overview(await this.overdue(asOf, 0), asOf) };
      default:
        return { success: false, error: `unknown-action: ${request.action}` };
    }
  }

  /** Open invoices whose due day lies more than `graceDays` back, the oldest first. */
  async overdue(asOf, graceDays) {
    const invoices = await this.context.api.readData("invoices", [
      { field: "status", op: "in", value: ["open", "overdue"] },
      { field: "dueAt", op: "lt", value: `${asOf}T00:00:00Z` },
    ]);
    return invoices
      .filter((invoice) => typeof invoice.dueAt === "string" && ageDays(invoice.dueAt, asOf) > graceDays)
      .sort((a, b) => (a.dueAt < b.dueAt ? -1 : a.dueAt > b.dueAt ? 1 : a.id < b.id ? -1 : 1));
  }

  async remind(asOf, limit) {
    const { graceDays, intervalDays, remindersMax } = this.context.config;
    const overdue = await this.overdue(asOf, graceDays ?? 3);
    const reminded = [];
    for (const invoice of overdue) {
      if (reminded.length === limit) break;
      const earlier = (await this.context.storage.get(storagePrefix + invoice.id)) ?? { count: 0, day: null };
      if (earlier.count >= (remindersMax ?? 3)) continue;
      if (earlier.day !== null && ageDays(earlier.day, asOf) < (intervalDays ?? 14)) continue;
      if (await this.remindOne(invoice, earlier.count + 1, asOf)) reminded.push(invoice.id);
    }
    this.context.logger.info("reminders sent", { overdue: overdue.length, reminded: reminded.length });
    return { overdue: overdue.length, reminded };
  }

  /** Whether the reminder went out. What went out is remembered first, so that a later failure repeats nothing. */
  async remindOne(invoice, count, asOf) {
    const [customer] = await this.context.api.readData("customers", [
      { field: "id", op: "eq", value: invoice.customer },
    ]);
    if (!customer?.email) {
      this.context.logger.warn("no e-mail address", { invoice: invoice.id });
      return false;
    }
    await this.context.api.triggerWorkflow("send-email", {
      to: customer.email,
      subject: `Reminder ${count}: invoice ${invoice.number ?? invoice.id}`,
      text: `Dear ${customer.name}, ${invoice.currency ?? ""} ${invoice.balance ?? invoice.total} of invoice `
        + `${invoice.number ?? invoice.id} have been due since ${invoice.dueAt.slice(0, 10)}.`,
    });
    await this.context.storage.set(storagePrefix + invoice.id, { count, day: asOf });
    try {
      await this.context.api.writeData("notes", {
        invoice: invoice.id, customer: customer.id, text: `Reminder ${count} sent on ${asOf}.`,
      });
    } catch (error) {
      this.context.logger.warn("the reminder went out, the note was not kept", { invoice: invoice.id, code: error.code });
    }
    return true;
  }
}

function overview(invoices, asOf) {
  const byAge = { "1-30": 0, "31-60": 0, "over 60": 0 };
  for (const invoice of invoices) byAge[ageGroup(ageDays(invoice.dueAt, asOf))] += 1;
  return { count: invoices.length, byAge };
}
