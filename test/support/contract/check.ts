// Holds one HTTP answer against the operations of Hydra's documents that it belongs to.
import { type Addition, additions } from './deviations.js'
import {
  type DocumentedAnswer,
  type DocumentName,
  type Operation,
  operations,
  type Port,
  validatorOf,
} from './documents.js'

export interface Answer {
  readonly port: Port
  readonly method: string
  /** Without the query. */
  readonly path: string
  readonly status: number
  /** Empty if there is none. */
  readonly contentType: string
  readonly body: string
}

export interface Verdict {
  /** Which documented answers it is: `document operation status`. */
  readonly seen: readonly string[]
  /** What is wrong with it, one line each. */
  readonly violations: readonly string[]
}

const errorSchemas: Readonly<Record<DocumentName, string>> = {
  'v26.2': 'v26.2#/components/schemas/errorOAuth2',
  'v1.10.7': 'v1.10.7#/definitions/jsonError',
}

export function checkAnswer(answer: Answer): Verdict {
  const { port, method, path } = answer
  const asked = operations.filter((operation) => operation.method === method && operation.serves(port, path))
  const checked = asked.map((operation) => checkOperation(operation, answer))
  return {
    seen: checked.flatMap(({ seen }) => seen),
    violations: checked.flatMap(({ violations }) => violations),
  }
}

function checkOperation(operation: Operation, answer: Answer): Verdict {
  const who = `${operation.document} ${operation.id}`
  const status = String(answer.status)
  const named = operation.answers.find((each) => each.status === status)
  const documented = named ?? operation.answers.find((each) => each.status === 'default')
  const added = additions.filter((addition) => allows(addition, operation, answer, named !== undefined))
  const seen = documented ? [`${who} ${documented.status}`] : []
  const wrong = added.length > 0 ? checkAdded(added, operation, answer) : checkDocumented(documented, answer)
  return { seen, violations: wrong.map((what) => `${told(answer)}: ${who} ${what}`) }
}

const typeOf = ({ contentType }: Answer): string => contentType.split(';', 1)[0]?.trim() ?? ''

const typeOfBody = { error: 'application/json', html: 'text/html', jwt: 'application/jwt', none: '' } as const

/** Whether an addition is for an answer: what is documented by name is only added to by another content type. */
function allows(addition: Addition, operation: Operation, answer: Answer, isNamed: boolean): boolean {
  const { document, operations: ids, statuses, body } = addition
  const type = typeOf(answer)
  if (isNamed && (type === 'application/json' || type === '')) return false
  return (
    (document === undefined || document === operation.document) &&
    (ids === undefined || ids.includes(operation.id)) &&
    (statuses === undefined || statuses.includes(answer.status)) &&
    typeOfBody[body] === type
  )
}

function checkAdded(added: readonly Addition[], { document }: Operation, answer: Answer): string[] {
  if (added.some(({ body }) => body === 'error')) return checkBody(errorSchemas[document], answer.body)
  const hasNone = added.some(({ body }) => body === 'none')
  return hasNone && answer.body !== '' ? ['is answered with a body that is not to be there'] : []
}

function checkDocumented(documented: DocumentedAnswer | undefined, answer: Answer): string[] {
  if (!documented) return ['documents no such status']
  const { contentTypes, schema } = documented
  const type = typeOf(answer)
  if (contentTypes.length === 0) return answer.body === '' ? [] : ['documents no body']
  if (!contentTypes.includes(type)) return [`documents ${contentTypes.join(', ')}, not '${type}'`]
  return schema && type === 'application/json' ? checkBody(schema, answer.body) : []
}

function checkBody(schema: string, body: string): string[] {
  const validate = validatorOf(schema)
  if (validate(parse(body))) return []
  return (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath || 'the body'} ${message}`)
}

function parse(body: string): unknown {
  try {
    return JSON.parse(body)
  } catch {
    return undefined
  }
}

const told = ({ method, path, status }: Answer): string => `${method} ${path} answered ${status}`
