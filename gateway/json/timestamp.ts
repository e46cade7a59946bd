// Times as Hydra writes them: RFC 3339 in UTC, whole seconds.

/** Null for a time that is not known. */
export const timeToJson = (time: Date | undefined): string | null =>
  time ? `${time.toISOString().slice(0, 19)}Z` : null
