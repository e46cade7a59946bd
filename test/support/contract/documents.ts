// Hydra's two OpenAPI documents as operations whose answers can be checked; `ajv` follows the documents' own references.
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv, type ValidateFunction } from 'ajv'
import addFormats from 'ajv-formats'
import { projectRoot } from '../../../services/kit/project_root.js'
import { corrections } from './deviations.js'

export type DocumentName = 'v26.2' | 'v1.10.7'
export type Port = 'public' | 'admin'

/** What a document says of one status; the status `default` stands for those that it does not name. */
export interface DocumentedAnswer {
  readonly status: string
  /** Empty where the answer has no body. */
  readonly contentTypes: readonly string[]
  /** Where the schema of a JSON body stands. */
  readonly schema: string | undefined
}

export interface Operation {
  readonly document: DocumentName
  readonly id: string
  readonly method: string
  readonly path: string
  /** Whether it is this operation that a request for a path asks for. */
  readonly serves: (port: Port, path: string) => boolean
  readonly answers: readonly DocumentedAnswer[]
  /** The members of its JSON body, each with its JSON type; of a body that is no object, none. */
  readonly members: Readonly<Record<string, string>>
}

type Json = Record<string, unknown>

const names: readonly DocumentName[] = ['v26.2', 'v1.10.7']
const methods = ['get', 'post', 'put', 'patch', 'delete']

const ajv = new Ajv({ strict: false, allErrors: true })
addFormats.default(ajv)

/** All operations of both documents. */
export const operations: readonly Operation[] = names.flatMap((document) => {
  const text = readFileSync(join(projectRoot, `test/reference/hydra-openapi-${document}.json`), 'utf8')
  const root = JSON.parse(text) as Json
  for (const { at, schema } of corrections.filter((each) => each.document === document)) correct(root, at, schema)
  ajv.addSchema(root, document, false, false)
  return Object.entries(root.paths as Record<string, Record<string, Json>>).flatMap(([path, item]) =>
    methods.flatMap((method) => {
      const operation = item[method]
      return operation ? [readOperation(document, root, path, method, operation)] : []
    }),
  )
})

/** The validator of a schema by where it stands, such as `v26.2#/components/schemas/errorOAuth2`. */
export function validatorOf(schema: string): ValidateFunction {
  const found = ajv.getSchema(schema)
  if (!found) throw new Error(`there is no schema at ${schema}`)
  return found
}

function readOperation(document: DocumentName, root: Json, path: string, method: string, operation: Json): Operation {
  const produces = (operation.produces as string[] | undefined) ?? ['application/json']
  const at = `#/paths/${encodeURIComponent(path.replaceAll('/', '~1'))}/${method}/responses`
  return {
    document,
    id: String(operation.operationId),
    method: method.toUpperCase(),
    path,
    serves: matcherOf(document, path, (operation.tags as string[] | undefined) ?? []),
    answers: Object.entries(operation.responses as Record<string, Json>).map(([status, response]) => {
      const reference = response.$ref as string | undefined
      const described = reference ? follow(root, reference) : response
      return { status, ...readAnswer(`${document}${reference ?? `${at}/${status}`}`, described, produces) }
    }),
    members: readMembers(root, operation),
  }
}

function readMembers(root: Json, operation: Json): Record<string, string> {
  const resolve = (schema: Json | undefined): Json =>
    schema?.$ref ? resolve(follow(root, schema.$ref as string)) : (schema ?? {})
  const parameters = (operation.parameters ?? []) as Json[]
  const content = resolve(operation.requestBody as Json).content as Record<string, Json> | undefined
  const body = content?.['application/json'] ?? parameters.find((each) => each.in === 'body')
  const properties = (resolve(body?.schema as Json).properties ?? {}) as Record<string, Json>
  return Object.fromEntries(
    Object.entries(properties).map(([name, schema]) => [name, String(resolve(schema).type ?? 'any')]),
  )
}

/** OpenAPI 3 has a schema for each content type, Swagger 2 one schema and the types of the whole operation. */
function readAnswer(at: string, response: Json, produces: string[]): Omit<DocumentedAnswer, 'status'> {
  const content = response.content as Record<string, Json> | undefined
  if (content) {
    const hasSchema = content['application/json']?.schema !== undefined
    return {
      contentTypes: Object.keys(content),
      schema: hasSchema ? `${at}/content/application~1json/schema` : undefined,
    }
  }
  if (response.schema) return { contentTypes: produces, schema: `${at}/schema` }
  return { contentTypes: [], schema: undefined }
}

function follow(root: Json, reference: string): Json {
  return descend(root, reference.slice(2).split('/'))
}

function descend(root: Json, parts: readonly string[]): Json {
  return parts.reduce((at, part) => {
    const found = at[part] as Json | undefined
    if (!found) throw new Error(`the document has no ${parts.join('/')}`)
    return found
  }, root)
}

function correct(root: Json, at: readonly string[], schema: Json): void {
  const place = descend(root, at)
  for (const keyword of Object.keys(place)) delete place[keyword]
  Object.assign(place, schema)
}

/** The documents do not say on which port an operation is: v26.2 has `/admin` in the path, v1 a tag. */
function matcherOf(document: DocumentName, path: string, tags: readonly string[]): Operation['serves'] {
  const pattern = new RegExp(`^${path.replaceAll('.', '\\.').replace(/\{\w+\}/g, '[^/]+')}$`)
  const isOfProcess = /^\/(health|version|metrics)/.test(path)
  const isAdmin = document === 'v26.2' ? path.startsWith('/admin/') : tags.includes('admin')
  const own = isAdmin ? 'admin' : 'public'
  return (port, asked) => (isOfProcess || port === own) && pattern.test(asked)
}
