// Durations as Hydra writes them: `1h30m`, `500ms`.

const unitSeconds: Readonly<Record<string, number>> = { ns: 1e-9, us: 1e-6, ms: 1e-3, s: 1, m: 60, h: 3_600 }

/** The duration in seconds; undefined for what is none. */
export function parseDuration(text: string): number | undefined {
  if (!/^(\d+(ns|us|ms|s|m|h))+$/.test(text)) return undefined
  let seconds = 0
  for (const [, amount, unit = ''] of text.matchAll(/(\d+)(ns|us|ms|s|m|h)/g))
    seconds += Number(amount) * (unitSeconds[unit] ?? 0)
  return Number.isFinite(seconds) ? seconds : undefined
}
