/** Whether a Unix time in seconds lies within `ageSecondsMax` of now, before or after: an older one may be a replay. */
export function isNear(unixSeconds: string | undefined, ageSecondsMax: number): boolean {
  return unixSeconds !== undefined && /^\d{1,12}$/.test(unixSeconds)
    && Math.abs(Date.now() / 1000 - Number(unixSeconds)) <= ageSecondsMax;
}
