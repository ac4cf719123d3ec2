// The vendors' published descriptions, which are not part of the repository.
import { existsSync, readFileSync } from "node:fs";
import { root } from "./context.mjs";

const folder = process.env.VEROFORGE_SHARED ?? `${root}../shared`;

/** The description, or `undefined` where the folder is absent: the test then says that it was skipped. */
export function description(name) {
  const path = `${folder}/openapi/${name}`;
  return existsSync(path) ? JSON.parse(readFileSync(path, "utf8")) : undefined;
}

export const skipReason = `no vendors' descriptions in ${process.env.VEROFORGE_SHARED ? "VEROFORGE_SHARED" : "../shared"}`;
