const dayMs = 86_400_000;

/** The civil date of now, in UTC. */
export function today() {
  return new Date().toISOString().slice(0, 10);
}

/** Whole days from the day of `from` to the day `to`, in UTC. */
export function ageDays(from, to) {
  return Math.round((Date.parse(to.slice(0, 10)) - Date.parse(from.slice(0, 10))) / dayMs);
}

export function ageGroup(days) {
  return days <= 30 ? "1-30" : days <= 60 ? "31-60" : "over 60";
}
