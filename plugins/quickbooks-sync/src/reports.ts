import type { PluginContext, PluginRequest, PluginResponse } from "@veroforge/sdk";
import { fail, ok } from "@veroforge/kit";
import { get, type QuickBooksObject } from "./client";

interface Row { label: string; depth: number; total: boolean; amounts: string[] }
type ReportName = "ProfitAndLoss" | "BalanceSheet" | "AgedReceivables";

export async function report(
  data: { name: ReportName; from: string; to: string }, context: PluginContext, _request: PluginRequest,
): Promise<PluginResponse> {
  if (data.from > data.to) return fail("invalid", "the report's first day is after its last");
  const answer = await get(context, `reports/${data.name}`, data.name === "AgedReceivables"
    ? { report_date: data.to }
    : { start_date: data.from, end_date: data.to });
  const rows: Row[] = [];
  flatten(answer["Rows"]?.Row ?? [], 0, rows);
  return ok({ name: data.name, currency: String(answer["Header"]?.Currency ?? ""), rows });
}

/** Sections hold a header, rows and a summary, to any depth; what stays is a list in reading order. */
function flatten(items: QuickBooksObject[], depth: number, rows: Row[]): void {
  for (const item of items) {
    const header: unknown = item["Header"]?.ColData;
    if (Array.isArray(header)) rows.push(row(header, depth, false));
    if (Array.isArray(item["ColData"])) rows.push(row(item["ColData"], depth, false));
    if (depth < 12) flatten(item["Rows"]?.Row ?? [], depth + 1, rows);
    const summary: unknown = item["Summary"]?.ColData;
    if (Array.isArray(summary)) rows.push(row(summary, depth, true));
  }
}

function row(columns: QuickBooksObject[], depth: number, total: boolean): Row {
  const [label, ...amounts] = columns.map((column) => String(column["value"] ?? ""));
  return { label: label ?? "", depth, total, amounts };
}
