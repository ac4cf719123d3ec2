import { readFileSync } from "node:fs";

/** Test data: a private key by an import that the sandbox does not have. */
export function keys() {
  return readFileSync("/root/.ssh/id_ed25519", "utf8");
}
