// How lines of the log are written: JSON as they come, the same over several lines, or logfmt's `key=value` for people.

/** The forms of `log.format`; each takes and gives whole lines. */
export const logFormats: Readonly<Record<string, (line: string) => string>> = {
  json: (line) => line,
  json_pretty: (line) => `${JSON.stringify(JSON.parse(line), undefined, 2)}\n`,
  text: (line) => `${Object.entries(JSON.parse(line)).map(toPair).join(' ')}\n`,
}

const levels: Readonly<Record<number, string>> = {
  10: 'trace',
  20: 'debug',
  30: 'info',
  40: 'warn',
  50: 'error',
  60: 'fatal',
}

/** What a word may be of; anything else is quoted, so that no value can look like another key or line. */
const word = /^[\w.:/@+-]+$/

function toPair([key, value]: [string, unknown]): string {
  const told = key === 'level' ? (levels[Number(value)] ?? value) : value
  const text = typeof told === 'string' ? told : JSON.stringify(told)
  return `${key}=${word.test(text) ? text : JSON.stringify(text)}`
}
