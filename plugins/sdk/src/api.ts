import type { EntityData, ReadableEntity, WorkflowID, WritableEntity } from "./declared";

/**
 * The customer's application. Every operation crosses the API proxy, which checks it against the permissions that
 * the customer has accepted, counts it, and writes it to the audit log. A refusal rejects with an `OperationError`.
 */
export interface PluginAPI {
  /**
   * The records of an entity that satisfy all filters, in the order that the application gives them. An empty list
   * of filters reads everything that the application is willing to give.
   */
  readData<Entity extends ReadableEntity>(
    entity: Entity, filters: Filter[],
  ): Promise<EntityData<Entity>[]>;

  /**
   * Creates a record, or changes the one with the same `id`. Answers the record as the application keeps it.
   */
  writeData(entity: WritableEntity, data: Data): Promise<Data>;

  /** Starts a workflow of the application. Resolves when the application has taken it, not when it has ended. */
  triggerWorkflow(workflowId: WorkflowID, data: any): Promise<void>;
}

/** A record. It has an `id` once the application keeps it. */
export interface Data {
  id?: string;
  [field: string]: any;
}

/** What a filter compares with. */
export type Scalar = string | number | boolean | null;

/**
 * How a filter compares. Numbers and decimal strings compare as numbers, other strings by their bytes, so that
 * RFC 3339 times sort. A field that is absent is `null`, which is neither before nor after anything.
 *
 * `contains`: the field is a string that contains the value in any case, or a list that has it as a member.
 * `in`: the value is a list that has the field as a member.
 */
export type FilterOperator = "eq" | "ne" | "lt" | "lte" | "gt" | "gte" | "contains" | "in";

/** One condition. Filters of one `readData` are joined by "and". */
export type Filter =
  | { field: string; op: Exclude<FilterOperator, "in">; value: Scalar }
  | { field: string; op: "in"; value: Scalar[] };
