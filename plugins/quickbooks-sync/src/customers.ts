import type { Data, PluginContext, PluginRequest, PluginResponse } from "@veroforge/sdk";
import { ok, Refusal } from "@veroforge/kit";
import { get, post, requestIdFor, type QuickBooksObject } from "./client";

/** What is kept of a customer that is on both sides: its id there, and what both sides looked like when last alike. */
export interface Link { id: string; face: string }

type Done = "created" | "linked" | "changed" | "nothing";

export async function pushCustomer(
  data: { customerId: string }, context: PluginContext, _request: PluginRequest,
): Promise<PluginResponse> {
  const { id, done } = await ensureCustomer(data.customerId, context);
  return ok({ quickbooksId: id, done });
}

/** The customer's id in QuickBooks, with both sides alike afterwards. */
export async function ensureCustomer(customerId: string, context: PluginContext): Promise<{ id: string; done: Done }> {
  const [customer] = await context.api.readData("customers", [{ field: "id", op: "eq", value: customerId }]);
  if (customer === undefined) throw new Refusal("notFound", `no customer ${customerId}`);
  const link = await linkOf(customerId, context);
  if (link !== undefined) {
    if (link.face === faceOf(customer)) return { id: link.id, done: "nothing" };
    await overwrite(customer, link.id, context);
    return { id: link.id, done: "changed" };
  }
  const present = await named(String(customer["name"]), context);
  if (present !== undefined) {
    await keep(customerId, { id: String(present["Id"]), face: faceOf(customer) }, context);
    return { id: String(present["Id"]), done: "linked" };
  }
  const created = await post(context, "customer", fields(customer), requestIdFor("customer", customerId));
  const id = String(created["Customer"]?.Id);
  await keep(customerId, { id, face: faceOf(customer) }, context);
  return { id, done: "created" };
}

/** Makes QuickBooks' record like the application's. The sync token says which state is overwritten. */
export async function overwrite(customer: Data, id: string, context: PluginContext): Promise<void> {
  const current: QuickBooksObject | undefined = (await get(context, `customer/${id}`))["Customer"];
  if (current === undefined) throw new Refusal("quickbooks.unexpected-answer", `QuickBooks' customer ${id} has no record`);
  await post(context, "customer", { ...fields(customer), Id: id, SyncToken: current["SyncToken"], sparse: true },
    requestIdFor("customer", id, String(current["SyncToken"])));
  await keep(String(customer.id), { id, face: faceOf(customer) }, context);
}

export async function linkOf(customerId: string, context: PluginContext): Promise<Link | undefined> {
  return context.storage.get<any>(`customer/${customerId}`);
}

/** The application's customer that QuickBooks' id stands for. */
export async function customerOf(quickbooksId: string, context: PluginContext): Promise<string | undefined> {
  return context.storage.get<string>(`quickbooks-customer/${quickbooksId}`);
}

export async function keep(customerId: string, link: Link, context: PluginContext): Promise<void> {
  await context.storage.set(`customer/${customerId}`, { ...link });
  await context.storage.set(`quickbooks-customer/${link.id}`, customerId);
}

/** What the two sides have in common, as one text: alike when it is alike. The name as QuickBooks can hold it. */
export function faceOf(customer: Data): string {
  return JSON.stringify([displayName(String(customer["name"] ?? "")), customer["email"] ?? "", customer["phone"] ?? ""]);
}

/** QuickBooks' record in the application's fields. */
export function fromQuickBooks(record: QuickBooksObject): { name: string; email: string; phone: string } {
  return {
    name: String(record["DisplayName"] ?? ""),
    email: String(record["PrimaryEmailAddr"]?.Address ?? ""),
    phone: String(record["PrimaryPhone"]?.FreeFormNumber ?? ""),
  };
}

function fields(customer: Data): object {
  const email: unknown = customer["email"];
  const phone: unknown = customer["phone"];
  return {
    DisplayName: displayName(String(customer["name"])),
    ...(typeof email === "string" && email !== "" ? { PrimaryEmailAddr: { Address: email } } : {}),
    ...(typeof phone === "string" && phone !== "" ? { PrimaryPhone: { FreeFormNumber: phone } } : {}),
  };
}

/** QuickBooks refuses colons, tabs and line ends in names, and more than 100 characters. */
function displayName(name: string): string {
  return name.replace(/[:\s]+/g, " ").trim().slice(0, 100);
}

async function named(name: string, context: PluginContext): Promise<QuickBooksObject | undefined> {
  const quoted = displayName(name).replace(/\\/g, "\\\\").replace(/'/g, "\\'");
  const found = await get(context, "query", { query: `select * from Customer where DisplayName = '${quoted}'` });
  return found["QueryResponse"]?.Customer?.[0];
}
