// JSON (RFC 8259) as it may come from outside: bounded in depth and size, no member twice, no text that a database or
// protobuf could not hold.
import { OAuthError } from './oauth_error.js'

const maxDepth = 32
const maxValues = 50_000

const refuse = (why: string, cause?: unknown) => new OAuthError('invalid_request', `The JSON ${why}.`, { cause })

/** The value of the text. Errors: `invalid_request`. */
export function parseJson(text: string): unknown {
  checkStructure(text)
  const value = parse(text)
  checkValues(value)
  return value
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (cause) {
    throw refuse('is not well-formed', cause)
  }
}

/** One pass before the text is parsed: its depth, and that no object has a member twice, since readers differ in which
 * of the two they take. */
function checkStructure(text: string): void {
  const open: (Set<string> | undefined)[] = []
  for (let at = 0; at < text.length; at++) {
    const character = text[at]
    if (character === '{' || character === '[') {
      open.push(character === '{' ? new Set() : undefined)
      if (open.length > maxDepth) throw refuse(`is nested deeper than ${maxDepth} levels`)
    } else if (character === '}' || character === ']') open.pop()
    else if (character === '"') {
      const end = endOfString(text, at)
      if (followsColon(text, end)) addMember(open.at(-1), text.slice(at, end))
      at = end - 1
    }
  }
}

/** The position after the string that begins at `start`. */
function endOfString(text: string, start: number): number {
  let at = start + 1
  while (at < text.length && text[at] !== '"') at += text[at] === '\\' ? 2 : 1
  return at + 1
}

function followsColon(text: string, from: number): boolean {
  let at = from
  while (text[at] === ' ' || text[at] === '\n' || text[at] === '\t' || text[at] === '\r') at++
  return text[at] === ':'
}

function addMember(members: Set<string> | undefined, literal: string): void {
  const name = literal.includes('\\') ? String(parse(literal)) : literal.slice(1, -1)
  if (members?.has(name)) throw refuse('has a member twice')
  members?.add(name)
}

function checkValues(root: unknown): void {
  const waiting: unknown[] = [root]
  let count = 0
  for (let value = waiting.pop(); value !== undefined; value = waiting.pop()) {
    if (++count > maxValues) throw refuse(`has more than ${maxValues} values`)
    if (typeof value === 'string') checkText(value)
    else if (typeof value === 'number' && !Number.isFinite(value)) throw refuse('has a number that is too large')
    else if (Array.isArray(value)) for (const element of value) waiting.push(element)
    else if (typeof value === 'object' && value !== null)
      for (const [name, member] of Object.entries(value)) {
        checkText(name)
        waiting.push(member)
      }
  }
}

function checkText(text: string): void {
  if (/[\0\p{Surrogate}]/u.test(text)) throw refuse('has a text with the character NUL or half a surrogate pair')
}
